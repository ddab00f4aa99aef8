"""The API for tests of access: its routes, and clients that have a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from api.access.auth import PUBLIC_BLUEPRINTS, PUBLIC_ENDPOINTS
from api.services import services
from shared.wire.operations.api_key import Scope


def as_owner(app: Flask, owner: str, scope: Scope = Scope.USER, **options: Any) -> FlaskClient:
    """Return a client with a key of its own, made with the `options` of KeyStore.create."""
    return with_key(app, make_key(app, owner, scope, **options))


def make_key(app: Flask, owner: str, scope: Scope = Scope.USER, **options: Any) -> str:
    with app.app_context():
        return services().keyring.store.create(owner, scope, **options)[0]


def with_key(app: Flask, key: str) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


def routes(app: Flask) -> Iterator[tuple[str, str]]:
    """Yield the method and the path of each route that needs a key, with its <arguments>."""
    for rule in app.url_map.iter_rules():
        public = rule.endpoint in PUBLIC_ENDPOINTS or rule.endpoint.split(".")[0] in PUBLIC_BLUEPRINTS
        if not public and not rule.rule.startswith("/static"):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield method, rule.rule
