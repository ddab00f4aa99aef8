"""The webhook of a batch whose body has no room for it."""

from __future__ import annotations

import json

from flask import request
from pydantic import ValidationError

from api.http.errors import Invalid
from shared.errors import InvalidParameter
from shared.policy.webhook_targets import check_receiver
from shared.settings import Settings
from shared.wire.batch_descriptors import BatchWebhook

URL, EVENTS = "Webhook-Url", "Webhook-Events"


def webhook_of_headers(settings: Settings) -> BatchWebhook | None:
    """What the request's headers say; None if they do not.

    Raises:
        InvalidParameter: it cannot be understood.
        UrlNotAllowed: webhooks are not sent there.
    """
    url, events = request.headers.get(URL), request.headers.get(EVENTS)
    if url is None and events is None:
        return None
    members = {"url": url} | ({"events": [event.strip() for event in events.split(",")]} if events else {})
    try:
        webhook = BatchWebhook.model_validate_json(json.dumps(members))
    except ValidationError as error:
        first = Invalid.of(error).first
        raise InvalidParameter(f"The headers {URL} and {EVENTS}: {first.pointer}: {first.detail}") from None
    check_receiver(webhook.url, settings, None)
    return webhook
