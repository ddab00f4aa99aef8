"""The Flask application."""

from __future__ import annotations

from importlib.metadata import version

from flask import request
from flask_openapi3 import Info

from api.access.audit import register_audit
from api.access.auth import register_admission, register_identification
from api.access.growth import register_growth_check
from api.access.rate_limits import RateLimits
from api.http.blueprints import Application
from api.http.description import Description
from api.http.errors import register_error_handlers, validation_problem
from api.http.hosts import HostCheck
from api.http.queries import register_query_check
from api.http.security_headers import register_security_headers
from api.http.spec import BEARER, complete_spec
from api.pages.views import pages
from api.routes.batch_steering import batch_steering
from api.routes.batches import batches
from api.routes.bulk_actions import bulk_actions
from api.routes.dead_letters import dead_letters
from api.routes.estimates import estimates
from api.routes.jobs import jobs
from api.routes.lanes import lanes
from api.routes.operate.audit import audit
from api.routes.operate.keys import keys
from api.routes.operations import operations
from api.routes.owners.owners import owners
from api.routes.owners.usage import usage
from api.routes.queue import queue
from api.routes.results import results
from api.routes.session import session
from api.routes.sources import sources
from api.routes.stats import stats
from api.routes.uploads import uploads
from api.routes.webhooks import webhooks
from api.routes.workers import workers
from api.services import EXTENSION, Services
from api.telemetry.request_ids import register_request_ids
from api.telemetry.request_log import register_request_log
from api.telemetry.request_metrics import register_request_metrics
from shared.wire.records import Problem

FORM_MARGIN_BYTES = 600_000  # the text fields of a multipart submission
MAX_FORM_PARTS = 32
BLUEPRINTS = (
    jobs, sources, estimates, batches, batch_steering, dead_letters, bulk_actions, results, uploads, webhooks,
    queue, lanes, workers, operations, stats, usage, owners, session, audit, keys,
)  # fmt: skip


def show_docs() -> str:
    """Redirect a browser to the page by a relative URL, as a proxy may remove a path prefix."""
    place = "docs/swagger" if request.path == "/docs" else "swagger"
    return f'<meta http-equiv="refresh" content="0; url={place}">'


def create_app(parts: Services) -> Application:
    """Return the application on these parts."""
    app, settings = _application(), parts.settings
    app.config["MAX_CONTENT_LENGTH"] = 2 * settings.max_upload_bytes + FORM_MARGIN_BYTES
    app.config["MAX_FORM_PARTS"] = MAX_FORM_PARTS
    app.extensions[EXTENSION] = parts
    for blueprint in BLUEPRINTS:
        app.register_api(blueprint)
    app.register_blueprint(pages)
    complete_spec(app, settings)
    register_error_handlers(app)
    app.add_url_rule("/openapi.json", "openapi_json", Description(app))
    app.add_url_rule("/docs", "docs", show_docs)
    app.view_functions["openapi.openapi"] = show_docs  # /docs/
    _register_hooks(app, parts)
    return app


def _application() -> Application:
    return Application(
        "stylequeue",
        info=Info(
            title="stylequeue", version=version("stylequeue"), summary="Photographs into paintings, in bulk."
        ),
        security_schemes={"bearer": BEARER},
        doc_prefix="/docs",
        validation_error_callback=validation_problem,
        validation_error_model=Problem,
    )


def _register_hooks(app: Application, parts: Services) -> None:
    """Register the hooks of every request. They run in this order before a view, and in reverse after it."""
    register_request_log(app, parts.settings)
    register_request_metrics(app)
    register_request_ids(app)
    HostCheck(app, parts.settings)
    register_identification(app)
    RateLimits(app, parts.connection, parts.settings)
    register_admission(app)
    register_growth_check(app)
    register_query_check(app)
    register_audit(app)
    register_security_headers(app)
