"""/openapi.json: the OpenAPI description, made and compressed once."""

from __future__ import annotations

import gzip
from functools import cached_property

from flask import Response, request
from flask_openapi3 import OpenAPI
from pydantic_core import to_json


class Description:
    """The view of the description, whose bytes stay the same for as long as the process lives."""

    def __init__(self, app: OpenAPI) -> None:
        self._app = app

    def __call__(self) -> Response:
        """Return the description, compressed if the client takes gzip; 304 if it has it already."""
        compressed = request.accept_encodings["gzip"] > 0
        response = Response(self._gzip if compressed else self._json, mimetype="application/json")
        if compressed:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = "no-cache"
        response.add_etag(weak=True)
        response.make_conditional(request)
        return response

    @cached_property
    def _json(self) -> bytes:
        return to_json(self._app.api_doc)

    @cached_property
    def _gzip(self) -> bytes:
        return gzip.compress(self._json)
