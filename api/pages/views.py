"""The pages. They are the same for everybody: scripts fetch the data, as any program would."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from flask import Blueprint, Response, render_template, request
from pydantic import BaseModel
from werkzeug.exceptions import NotFound

from api.http.security_headers import POLICY
from api.pages.assets import Assets
from api.pages.param_fields import param_fields
from api.pages.policy import policy_of_pages
from api.routes.jobs import MAX_IDS
from api.services import services
from api.views.records import root_url
from shared.policy.image_formats import CONTENT_TYPES
from shared.wire.descriptors import FAST_LANES, Lane
from shared.wire.operations.api_key import MAX_NAME, Scope
from shared.wire.operations.audit_records import AuditAction
from shared.wire.operations.owner_records import MOST_LIMIT
from shared.wire.params import Params
from shared.wire.records import JobStatus
from shared.wire.webhook_records import DeliveryStatus

HTML, JSON = "text/html", "application/json"
ROUTES = (
    "openapi.json", "docs", "healthz", "readyz", "metrics", "v1/jobs", "v1/batches", "v1/uploads", "v1/queue",
    "v1/dead-letters", "v1/webhooks/deliveries", "v1/usage", "v1/capabilities", "v1/session",
)  # fmt: skip
OPERATE: Mapping[str, Mapping[str, Any]] = {  # the pages for operators, each with the choices of its forms
    "jobs": {"statuses": tuple(JobStatus), "lanes": tuple(Lane)},
    "keys": {"scopes": tuple(Scope), "lanes": tuple(Lane), "max_name": MAX_NAME},
    "owners": {"most_limit": MOST_LIMIT},
    "webhooks": {"statuses": tuple(DeliveryStatus)},
    "audit": {"audited": tuple(AuditAction)},
}

pages = Blueprint("pages", __name__, template_folder="templates")
assets = cache(Assets)


class ServiceDocument(BaseModel):
    """The links to everything, for programs that ask for `/`."""

    service: str = "stylequeue"
    links: dict[str, str]


@pages.get("/")
def paint() -> Response:
    """Show the page to paint on; programs get a document with links."""
    if _is_browser():
        return _page("paint.html", fields=param_fields(), lanes=tuple(Lane), **_pictures())
    links = {path.removeprefix("v1/"): root_url() + path for path in ROUTES}
    return _varied(Response(ServiceDocument(links=links).model_dump_json(), mimetype=JSON))


@pages.get("/pictures")
def pictures() -> Response:
    return _page("pictures.html", most_chosen=MAX_IDS)


@pages.get("/batches")
def batch_list() -> Response:
    return _page("batches.html")


@pages.get("/batches/<batch_id>")
def batch(batch_id: str) -> Response:
    return _page("batch.html", record=batch_id, lanes=FAST_LANES, most_chosen=MAX_IDS)


@pages.get("/jobs/<job_id>")
def job(job_id: str) -> Response:
    return _page("job.html", record=job_id, defaults=Params().model_dump(mode="json"))


@pages.get("/queue")
def queue() -> Response:
    return _page("queue.html")


@pages.get("/operate/<name>")
def operate(name: str) -> Response:
    """Show one of the pages for operators; what is on it depends on the key's scope."""
    choices = OPERATE.get(name)
    if choices is None:
        raise NotFound("There is no such page")
    return _page(f"operate/{name}.html", **choices)


@pages.get("/owners")
def owners() -> Response:
    return operate("owners")


@pages.get("/sign-in")
def sign_in() -> Response:
    return _page("sign-in.html")


@pages.get("/assets/<digest>/<path:name>")
def asset(digest: str, name: str) -> Response:
    return assets().response(digest, name)


def _pictures() -> dict[str, Any]:
    return {
        "sample_photos": assets().samples("content"),
        "sample_styles": assets().samples("style"),
        "accepted": ",".join(CONTENT_TYPES),
        "max_upload_bytes": services().settings.max_upload_bytes,
        "max_batch_jobs": services().settings.max_batch_jobs,
    }


def _page(template: str, **members: Any) -> Response:
    """Return a page. All its links are relative, so it works below any path that a proxy removes.

    Raises:
        NotFound: the client is a program.
    """
    if not _is_browser():
        raise NotFound("This is a page for browsers; programs use /v1 (see /openapi.json)")
    parts = services()
    root = "../" * (request.path.count("/") - 1) or "./"
    text = render_template(template, root=root, asset=lambda name: root + assets().path(name), **members)
    response = Response(text, mimetype=HTML)
    response.headers[POLICY] = policy_of_pages(parts.settings, parts.storage)
    response.headers["Cache-Control"] = "no-cache"
    return _varied(response)


def _varied(response: Response) -> Response:
    response.headers["Vary"] = "Accept"
    return response


def _is_browser() -> bool:
    """Return whether the client names HTML and prefers it to JSON; `*/*` alone is a program's."""
    accepted = request.accept_mimetypes
    named = any(kind == HTML for kind, _ in accepted)
    return named and accepted.quality(HTML) >= accepted.quality(JSON)
