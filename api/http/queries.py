"""The query of a request, of which each parameter may be given once."""

from __future__ import annotations

from flask import Flask, request

from shared.errors import InvalidParameter
from shared.redaction import shortened


def register_query_check(app: Flask) -> None:
    app.before_request(check_query)


def check_query() -> None:
    """
    Raises:
        InvalidParameter: a parameter is given twice; all but the first would be ignored.
    """
    if not request.query_string:
        return
    for name, values in request.args.lists():
        if len(values) > 1:
            named = shortened(name)
            raise InvalidParameter(f"The parameter {named!r} is given {len(values)} times", f"/{named}")
