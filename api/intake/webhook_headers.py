"""The webhook of an NDJSON batch, given in headers."""

from __future__ import annotations

import json

from flask import request
from pydantic import ValidationError

from api.http.errors import Invalid
from shared.policy.webhook_targets import check_receiver
from shared.request_errors import InvalidParameter
from shared.settings import Settings
from shared.wire.batch_descriptors import BatchWebhook

URL, EVENTS = "Webhook-Url", "Webhook-Events"


def webhook_of_headers(settings: Settings) -> BatchWebhook | None:
    """Return the webhook in the request's headers; None without them.

    Raises:
        InvalidParameter: the headers are malformed.
        UrlNotAllowed: webhooks may not be sent to the URL.
    """
    url, events = request.headers.get(URL), request.headers.get(EVENTS)
    if url is None and events is None:
        return None
    members = {"url": url} | ({"events": [event.strip() for event in events.split(",")]} if events else {})
    try:
        webhook = BatchWebhook.model_validate_json(json.dumps(members))
    except ValidationError as error:
        first = Invalid.of(error, most=1).first
        raise InvalidParameter(f"The headers {URL} and {EVENTS}: {first.pointer}: {first.detail}") from None
    check_receiver(webhook.url, settings, None)
    return webhook
