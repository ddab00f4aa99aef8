"""Refusal of query parameters that are given more than once."""

from __future__ import annotations

from flask import Flask

from api.http.request_in_hand import current_request
from shared.redaction import shortened
from shared.request_errors import InvalidParameter


def register_query_check(app: Flask) -> None:
    app.before_request(check_query)


def check_query() -> None:
    """Check that each parameter is given once.

    Raises:
        InvalidParameter: one is given more often; all but the first would be ignored.
    """
    current = current_request()
    if not current.environ["QUERY_STRING"]:
        return
    for name, values in current.args.lists():
        if len(values) > 1:
            named = shortened(name)
            raise InvalidParameter(f"The parameter {named!r} is given {len(values)} times", f"/{named}")
