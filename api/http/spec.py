"""The parts of the OpenAPI 3.1 description that the pydantic models do not contain."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask_openapi3 import OpenAPI
from pydantic import BaseModel, TypeAdapter

from api.http.errors import PROBLEM_JSON
from api.http.examples import add_examples
from api.intake.bodies import MAX_KEY_LENGTH
from shared.settings import Settings
from shared.wire.batch_descriptors import BatchRequest, LaneRequest, RetryRequest
from shared.wire.bulk_records import BulkRequest, Confirmation
from shared.wire.dead_letter_records import ReplayRequest
from shared.wire.descriptors import JobRequest, UploadRequest
from shared.wire.estimate_records import EstimateRequest
from shared.wire.operations.key_records import KeyRequest
from shared.wire.operations.session_records import SignIn
from shared.wire.params import Params
from shared.wire.records import Problem
from shared.wire.webhook_records import WebhookTest

COMPONENT = "#/components/schemas/"
REFERENCE = COMPONENT + "{model}"
FORM = "JobForm"
WITHOUT_KEY = (("/healthz", "get"), ("/readyz", "get"), ("/v1/session", "post"), ("/v1/session", "delete"))
BATCH_FORM = "BatchRequest"
BODY_MODELS: tuple[type[BaseModel], ...] = (
    JobRequest,
    UploadRequest,
    RetryRequest,
    LaneRequest,
    ReplayRequest,
    BulkRequest,
    Confirmation,
    WebhookTest,
    SignIn,
    EstimateRequest,
    KeyRequest,
)
BEARER = {"type": "http", "scheme": "bearer", "description": "An API key, `sq_...`."}
OF_ALL_ROUTES = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "For a day, the same request with the same key returns the same job or batch. "
    "The same key with another request is 422.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH},
}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "`wait=N` holds the response until the job has finished, at most N seconds (RFC 7240).",
    "schema": {"type": "string"},
}
REQUEST_HEADERS = {"/v1/jobs": [IDEMPOTENCY_KEY, PREFER], "/v1/batches": [IDEMPOTENCY_KEY]}
TEXT: dict[str, Any] = {"type": "string"}
BINARY = TEXT | {"format": "binary"}
NDJSON, ZIP, EVENT_STREAM = "application/x-ndjson", "application/zip", "text/event-stream"


def problems(*statuses: int) -> dict[str | int, Any]:
    """Return the error responses of a route, with those that every route may give."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM_JSON: {"schema": {"$ref": COMPONENT + Problem.__name__}}},
        }
        for status in (*statuses, *OF_ALL_ROUTES)
    }


def with_etag(model: type[BaseModel] | None, *, location: bool = False) -> dict[str, Any]:
    """Return the response with a job or batch, with the headers for polling."""
    headers = {
        "ETag": {"description": "The job's version.", "schema": TEXT},
        "Retry-After": {"description": "Seconds, while pending.", "schema": TEXT},
    }
    if location:
        headers["Location"] = {"description": "The job's URL.", "schema": TEXT}
    answer: dict[str, Any] = {"headers": headers}
    if model:
        answer["content"] = {"application/json": {"schema": {"$ref": COMPONENT + model.__name__}}}
    return answer


def redirects() -> dict[str, Any]:
    return {"headers": {"Location": {"description": "Presigned URL.", "schema": TEXT}}}


def streamed(media_type: str, row: type[BaseModel] | None = None) -> dict[str, Any]:
    """Return a streamed response; `row` is the model of each line."""
    text = f"Each line is a {row.__name__}." if row else None
    schema = BINARY if media_type == ZIP else TEXT | ({"description": text} if text else {})
    return {"content": {media_type: {"schema": schema}}}


EVENTS = {
    "description": "Server-sent events: `id` is the version, `data` the record.",
    "content": {EVENT_STREAM: {"schema": TEXT}},
}


def json_body(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    schema = {"$ref": COMPONENT + model.__name__}
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def batch_body() -> dict[str, Any]:
    """Return the body of a batch, as JSON or NDJSON."""
    content = {
        "application/json": {"schema": {"$ref": COMPONENT + BATCH_FORM}},
        NDJSON: {"schema": BINARY | {"description": "Each line is a job, as in POST /v1/jobs."}},
    }
    return {"requestBody": {"required": True, "content": content}}


def upload_body() -> dict[str, Any]:
    """Return the body of an upload: its announcement as JSON, or the file itself."""
    body = json_body(UploadRequest)
    body["requestBody"]["content"]["image/*"] = {"schema": BINARY}
    return body


def submission_body() -> dict[str, Any]:
    """Return the body of a job, as JSON or a form."""
    body = json_body(JobRequest)
    body["requestBody"]["content"]["multipart/form-data"] = {"schema": {"$ref": COMPONENT + FORM}}
    return body


def complete_spec(app: OpenAPI, settings: Settings) -> None:
    """Add the schemas of bodies and problems to the components, as pydantic writes them.

    The extension's own schema class would drop keywords that it does not know, such as propertyNames.
    """
    app.api_doc["security"] = [{"bearer": []}, {}]  # {}: no key is needed locally while there is none
    if settings.public_url:
        app.api_doc["servers"] = [{"url": settings.public_url}]
    paths = app.api_doc["paths"]
    for path, method in WITHOUT_KEY:
        paths[path][method]["security"] = []
    for path, headers in REQUEST_HEADERS.items():
        paths[path]["post"].setdefault("parameters", []).extend(headers)
    for parameter in _parameters(paths):
        _leave_out_null(parameter["schema"])
    add_examples(paths)
    components = app.api_doc["components"]["schemas"]
    for model in BODY_MODELS:
        _add(components, model, "validation")
    batch = TypeAdapter(BatchRequest).json_schema(ref_template=REFERENCE)
    components |= {**batch.pop("$defs", {}), BATCH_FORM: batch}
    _add(components, Problem, "serialization")
    optimized = components[Params.__name__]["then"]["properties"]
    optimized["max_side"] = {"type": ["integer", "null"], "maximum": settings.optimize_max_side}
    components[FORM] = _form(components[JobRequest.__name__])


def _parameters(paths: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in paths.values():
        for operation in operations.values():
            yield from operation.get("parameters", ())


def _leave_out_null(schema: dict[str, Any]) -> None:
    """Remove `null` from the schema of an optional parameter, because a URL cannot say it."""
    for kind in schema.pop("anyOf", ()):
        schema |= {} if kind == {"type": "null"} else kind
    if schema.get("default", "") is None:
        del schema["default"]


def _form(job: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a job's form: pictures are files, all else is text, and tags are a part each."""
    members = job["properties"]
    files = dict.fromkeys(("content", "style"), BINARY)
    tags = {"anyOf": [members["tags"], members["tags"]["items"]]}
    properties = members | files | {"tags": tags}
    del properties["styles"]  # several pictures go by JSON
    return {
        "type": "object",
        "required": list(files),
        "properties": properties,
        "allOf": job["allOf"][1:],  # which lane goes with which method
        "additionalProperties": False,
    }


def _add(components: dict[str, Any], model: type[BaseModel], mode: Any) -> None:
    schema = model.model_json_schema(ref_template=REFERENCE, mode=mode)
    components |= {**schema.pop("$defs", {}), model.__name__: schema}
