"""The receiver of a job's or a batch's webhook, stored as a field of the record."""

from __future__ import annotations

import json
from collections.abc import Mapping

from shared.policy.urls import check_url, endpoint_of, webhook_urls
from shared.request_errors import UrlNotAllowed
from shared.settings import Settings
from shared.wire.batch_descriptors import BatchWebhook
from shared.wire.descriptors import JobWebhook
from shared.wire.records import WebhookTarget


def check_receiver(url: str, settings: Settings, pointer: str | None) -> None:
    """Raise UrlNotAllowed, with the member's JSON pointer, unless webhooks may be sent to `url`."""
    try:
        check_url(url, webhook_urls(settings))
    except UrlNotAllowed as error:
        raise UrlNotAllowed(error.detail, pointer) from None


def encode_receiver(webhook: JobWebhook | BatchWebhook, root: str) -> str:
    """Return the receiver as JSON.

    `root` is the URL at which the client reached the API, used for the links in the webhook. The Lua scripts
    read `host`, because each host has its own line of deliveries.
    """
    members = {"url": webhook.url, "events": webhook.events, "host": host_of(webhook.url), "root": root}
    return json.dumps(members, separators=(",", ":"))


def decode_receiver(fields: Mapping[str, str]) -> WebhookTarget | None:
    return WebhookTarget.model_validate_json(fields["webhook"]) if "webhook" in fields else None


def host_of(url: str) -> str:
    """Return `name:port` of the URL's host.

    Raises:
        UrlNotAllowed: the URL cannot be understood.
    """
    endpoint = endpoint_of(url)
    return f"{endpoint.host}:{endpoint.port}"
