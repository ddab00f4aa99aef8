"""The API for tests of who is let in: its routes, and clients that have a key."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask
from flask.testing import FlaskClient

from api.services import services
from shared.api_key import Scope

WITHOUT_KEY = ("/healthz", "/readyz", "/openapi.json", "/docs", "/static")


def as_owner(app: Flask, owner: str, scope: Scope = Scope.USER) -> FlaskClient:
    """A client with a key of its own."""
    return with_key(app, make_key(app, owner, scope))


def make_key(app: Flask, owner: str, scope: Scope = Scope.USER) -> str:
    with app.app_context():
        return services().keyring.store.create(owner, scope)[0]


def with_key(app: Flask, key: str) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


def routes(app: Flask) -> Iterator[tuple[str, str]]:
    """Method and path of each route that does something, with its <arguments>."""
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(WITHOUT_KEY):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield method, rule.rule
