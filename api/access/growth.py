"""Refusal of requests that create records while Redis is nearly full, before their bodies are read."""

from __future__ import annotations

from flask import Flask

from api.http.request_in_hand import current_request
from api.services import services

GROWING = {"jobs.submit_job", "batches.submit_batch", "uploads.announce_upload", "webhooks.test_webhook"}


def register_growth_check(app: Flask) -> None:
    app.before_request(_check)


def _check() -> None:
    if current_request().endpoint in GROWING:
        services().redis_room.check()
