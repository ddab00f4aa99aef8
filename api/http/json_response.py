"""A record as the JSON body of a response."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response
from pydantic import BaseModel


def json_response(record: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(record.model_dump_json(), status, mimetype="application/json")
