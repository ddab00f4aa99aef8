"""Responses that lead to a file in the storage: a redirect to a presigned URL, or the URL as JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Literal

from flask import Response, redirect, request
from pydantic import Field

from api.http.spec import redirects
from api.services import services
from api.views.polling import Query
from shared.wire.records import StoredFile

JSON = "application/json"
SOME_IMAGE = "image/*"  # a file with the type that it was stored with
LEADS_TO_FILE: dict[str | int, Any] = {200: StoredFile, 303: redirects()}


class FileQuery(Query):
    redirect: Literal["yes", "no"] | None = Field(
        None,
        description="'no' returns the presigned URL as JSON, as does `Accept: application/json`; 'yes' "
        "redirects to it whatever the client accepts. A client that follows the redirect must not send its "
        "API key along: the storage refuses a request with two permissions.",
    )


def lead_to(
    query: FileQuery, key: str, content_type: str, bucket: str | None = None, save_as: str | None = None
) -> Response:
    """Return the response that leads to an object; a browser saves it under the name `save_as`."""
    parts = services()
    named = None if content_type == SOME_IMAGE else content_type
    url = parts.storage.presigned_get(key, named, bucket=bucket, save_as=save_as)
    if query.redirect == "no" or (query.redirect is None and _prefers_json(content_type)):
        expires_at = datetime.now(UTC) + timedelta(seconds=parts.storage.url_seconds())
        file = StoredFile(url=url, content_type=content_type, expires_at=expires_at)
        response = Response(file.model_dump_json(), mimetype=JSON)
    else:
        response = redirect(url, HTTPStatus.SEE_OTHER)  # type: ignore[assignment]  # werkzeug's Response
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept"
    return response


def _prefers_json(content_type: str) -> bool:
    """Return whether the client prefers JSON to the file; */* alone means the file."""
    accepted = request.accept_mimetypes
    return bool(accepted) and accepted.quality(JSON) > accepted.quality(content_type)
