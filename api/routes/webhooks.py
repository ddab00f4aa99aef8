"""/v1/webhooks: deliveries and their attempts, redelivery, and the signing secret."""

from __future__ import annotations

from http import HTTPStatus
from typing import TypeVar

from flask import Response
from flask_openapi3 import Tag
from pydantic import BaseModel, Field

from api.access.auth import current_owner
from api.access.owners import OwnerQuery, delivery_owner, owner_of_named, shown_owner
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import json_body, problems
from api.intake.bodies import read_json
from api.routes.batches import PageQuery
from api.services import services
from api.views.records import root_url
from shared.policy.webhook_targets import check_receiver
from shared.wire.webhook_records import (
    Delivery,
    DeliveryPage,
    DeliveryStatus,
    DeliveryView,
    WebhookSecret,
    WebhookTest,
)

AnyDelivery = TypeVar("AnyDelivery", bound=Delivery)

webhooks = Routes("webhooks", __name__, url_prefix="/v1/webhooks", abp_tags=[Tag(name="webhooks")])


class DeliveryPath(BaseModel):
    delivery_id: str = Field(description="The delivery's id: the header `webhook-id`.")


class DeliveryQuery(OwnerQuery, PageQuery):
    status: DeliveryStatus | None = None
    job_id: str | None = Field(
        None, pattern=r"^job_[0-9a-f]{32}$", description="Only deliveries about this job."
    )
    batch_id: str | None = Field(
        None,
        pattern=r"^batch_[0-9a-f]{26}$",
        description="Only deliveries about this batch; those of its jobs are separate.",
    )


@webhooks.get("/deliveries", responses={200: DeliveryPage, **problems(422)})
def list_deliveries(query: DeliveryQuery) -> Response:
    """List deliveries, newest first. Those that have ended are kept for a while."""
    page = services().deliveries.page(
        owner_of_named(query, job_id=query.job_id, batch_id=query.batch_id),
        limit=query.limit,
        cursor=query.cursor,
        status=query.status,
        subject=query.job_id or query.batch_id,
    )
    shown = tuple(map(_shown, page.deliveries))
    return json_response(page.model_copy(update={"deliveries": shown}))


@webhooks.get("/deliveries/<delivery_id>", responses={200: DeliveryView, **problems(404)})
def get_delivery(path: DeliveryPath) -> Response:
    """See one delivery with its attempts."""
    return json_response(
        _shown(services().deliveries.look(path.delivery_id, delivery_owner(path.delivery_id)))
    )


@webhooks.post("/deliveries/<delivery_id>/redeliver", responses={202: DeliveryView, **problems(404)})
def redeliver(path: DeliveryPath) -> Response:
    """Send a delivery again now, with the same id and all attempts."""
    owner = delivery_owner(path.delivery_id)
    delivery = services().deliveries.redeliver(path.delivery_id, owner)
    return json_response(_shown(delivery), HTTPStatus.ACCEPTED)


@webhooks.get("/secret", responses={200: WebhookSecret, **problems()})
def get_secret() -> Response:
    """See the secret that signs your webhooks. It is made at the first use."""
    return _secret(services().webhook_secrets.get(current_owner()))


@webhooks.post("/secret/rotate", responses={200: WebhookSecret, **problems()})
def rotate_secret() -> Response:
    """Replace the secret. For a day, webhooks have a signature of the old one too."""
    return _secret(services().webhook_secrets.rotate(current_owner()))


@webhooks.post(
    "/test",
    responses={202: DeliveryView, **problems(400, 403, 413, 415, 422)},
    openapi_extensions=json_body(WebhookTest),
)
def test_webhook() -> Response:
    """Send an event `webhook.test` to a URL, signed and retried like any other."""
    parts, wanted = services(), read_json(WebhookTest)
    check_receiver(wanted.url, parts.settings, "/url")
    delivery = parts.deliveries.test(current_owner(), wanted.url, root_url(), parts.limits.quotas)
    return json_response(_shown(delivery), HTTPStatus.ACCEPTED)


def _secret(secret: WebhookSecret) -> Response:
    response = json_response(secret)
    response.headers["Cache-Control"] = "no-store"
    return response


def _shown(delivery: AnyDelivery) -> AnyDelivery:
    """Return a delivery, without its owner unless the reader is an admin."""
    return delivery.model_copy(update={"owner": shown_owner(delivery.owner or "")})
