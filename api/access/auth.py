"""Whose request this is. Every record and object belongs to one owner and is invisible to all others."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, g

from api.access.loopback import comes_from_this_machine, is_for_this_machine
from api.access.scopes import check_scope
from api.http.request_in_hand import current_request
from api.server.known_keys import LET_IN
from api.services import services
from shared.errors import Forbidden, Unauthenticated
from shared.wire.api_key import ANONYMOUS_OWNER, Scope
from shared.wire.descriptors import Lane

PUBLIC_ENDPOINTS = {"operations.healthz", "operations.readyz", "openapi_json", "docs"}
PUBLIC_BLUEPRINTS = {"openapi", "swagger"}  # /docs
ANOTHER_KEY = "the operator makes another with 'stylequeue keys create OWNER'"
HOW_TO = "send it as 'Authorization: Bearer KEY'; the operator makes one with 'stylequeue keys create OWNER'"


@dataclass(frozen=True)
class Caller:
    """Who sent a request; `key_id` is None for those who need no key."""

    owner: str
    scope: Scope
    key_id: str | None
    lanes: tuple[Lane, ...] | None = None  # that they may submit to; None means all


ANYBODY_HERE = Caller(ANONYMOUS_OWNER, Scope.ADMIN, None)


def is_public() -> bool:
    """Whether the request in hand needs no key, whoever sends it."""
    current = current_request()
    return current.endpoint in PUBLIC_ENDPOINTS or current.blueprint in PUBLIC_BLUEPRINTS


def identify() -> None:
    """Find out who sends a request, before it. Nobody is refused here: the rate limits count wrong keys too.

    Raises:
        QueueUnavailable: Redis does not answer, so nobody can be let in.
    """
    if not is_public():
        try:
            g.caller = _caller()
        except Unauthenticated as error:
            g.refusal = error


def admit() -> None:
    """Refuse a request that its sender may not make, after the rate limits.

    Raises:
        Unauthenticated: a key is needed, or the one that came is not good.
        Forbidden: the key's scope does not go so far.
    """
    if "refusal" in g:
        raise g.refusal
    found = caller()
    if found:
        check_scope(found.scope)


def caller() -> Caller | None:
    """Return who sent the request in hand; None if nobody knows."""
    found: Caller | None = g.get("caller")
    return found


def known_caller() -> Caller:
    """Return who sent the request in hand, which is not a public one."""
    found: Caller = g.caller
    return found


def current_owner() -> str:
    """Return the owner of the request in hand."""
    return known_caller().owner


def require_admin(*others: Scope) -> None:
    """
    Raises:
        Forbidden: the request's key is neither an admin's nor of one of the `others`.
    """
    if known_caller().scope not in (Scope.ADMIN, *others):
        raise Forbidden(
            "This is for operators: it takes a key made with 'stylequeue keys create OWNER --admin'"
        )


def register_identification(app: Flask) -> None:
    app.before_request(identify)


def register_admission(app: Flask) -> None:
    app.before_request(admit)


def _caller() -> Caller:
    keyring, text = services().keyring, _bearer()
    if text is None:
        if _is_local() and keyring.is_empty():
            return ANYBODY_HERE
        raise Unauthenticated(f"This takes an API key: {HOW_TO}")
    key = keyring.find(text)
    if key is None:
        raise Unauthenticated("There is no such API key; it is wrong, or it was revoked")
    if key.has_expired:
        raise Unauthenticated(f"The API key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC; {ANOTHER_KEY}")
    current_request().environ[LET_IN] = True
    return Caller(key.owner, key.scope, key.id, key.lanes)


def _is_local() -> bool:
    return is_for_this_machine(services().settings.public_url) and comes_from_this_machine()


def _bearer() -> str | None:
    """What the header Authorization says (RFC 6750, 2.1); None if there is none.

    Raises:
        Unauthenticated: there is one of another kind.
    """
    current = current_request()
    if "HTTP_AUTHORIZATION" not in current.environ:
        return None
    sent = current.authorization
    if sent is None or sent.type != "bearer" or not sent.token:
        raise Unauthenticated(f"The header Authorization has no API key: {HOW_TO}")
    return sent.token
