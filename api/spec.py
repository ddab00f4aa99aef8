"""The OpenAPI 3.1 page: made of the same pydantic models that validate; only what they cannot say is here."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask_openapi3 import OpenAPI, Schema
from pydantic import BaseModel

from api.errors import PROBLEM_JSON
from shared.descriptors import JobRequest, UploadRequest
from shared.records import Problem

COMPONENT = "#/components/schemas/"
BODY_MODELS: tuple[type[BaseModel], ...] = (JobRequest, UploadRequest)


def problems(*statuses: int) -> dict[str | int, Any]:
    """The error answers of a route; any can also find the service unavailable."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM_JSON: {"schema": {"$ref": COMPONENT + Problem.__name__}}},
        }
        for status in (*statuses, HTTPStatus.SERVICE_UNAVAILABLE)
    }


def with_etag(model: type[BaseModel] | None, *, location: bool = False) -> dict[str, Any]:
    """A job's answer with the headers that polling goes by."""
    headers = {
        "ETag": {"description": "The job's version.", "schema": {"type": "string"}},
        "Retry-After": {"description": "Seconds, while pending.", "schema": {"type": "string"}},
    }
    if location:
        headers["Location"] = {"description": "The job's URL.", "schema": {"type": "string"}}
    answer: dict[str, Any] = {"headers": headers}
    if model:
        answer["content"] = {"application/json": {"schema": {"$ref": COMPONENT + model.__name__}}}
    return answer


def redirects() -> dict[str, Any]:
    return {"headers": {"Location": {"description": "Presigned URL.", "schema": {"type": "string"}}}}


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    schema = {"$ref": COMPONENT + model.__name__}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


SUBMISSION_BODY = json_body(JobRequest)
SUBMISSION_BODY["requestBody"]["content"]["multipart/form-data"] = {
    "schema": {
        "type": "object",
        "required": ["content", "style"],
        "properties": {
            "content": {"type": "string", "format": "binary"},
            "style": {"type": "string", "format": "binary"},
            "params": {"$ref": COMPONENT + "Params"},
            "output": {"$ref": COMPONENT + "Output"},
            "lane": {"$ref": COMPONENT + "Lane"},
            "custom_id": {"type": "string"},
        },
    }
}


def add_schemas(app: OpenAPI) -> None:
    """Puts the models of bodies and problems, and those inside them, among the components."""
    for model in BODY_MODELS:
        _add(app, model, "validation")
    _add(app, Problem, "serialization")


def _add(app: OpenAPI, model: type[BaseModel], mode: Any) -> None:
    schema = model.model_json_schema(ref_template=COMPONENT + "{model}", mode=mode)
    parts = {**schema.pop("$defs", {}), model.__name__: schema}
    app.components_schemas.update({name: Schema(**part) for name, part in parts.items()})
