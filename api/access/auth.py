"""Authentication of requests. Each record and object belongs to one owner, and no other owner sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from flask import Flask, g

from api.access.loopback import comes_from_this_machine, is_for_this_machine
from api.access.scopes import READS, check_scope
from api.access.session_cookie import check_own_page, sent_session
from api.http.request_in_hand import current_request
from api.server.known_keys import LET_IN
from api.services import services
from shared.request_errors import Forbidden, Unauthenticated
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import ANONYMOUS_OWNER, ApiKey, Scope

PUBLIC_ENDPOINTS = {"operations.healthz", "operations.readyz", "openapi_json", "docs"}
PUBLIC_ENDPOINTS |= {"session.sign_in", "session.sign_out"}
PUBLIC_BLUEPRINTS = {"openapi", "swagger", "pages"}  # /docs, and the pages, which hold nobody's data
ANOTHER_KEY = "the operator makes another with 'stylequeue keys create OWNER'"
HOW_TO = "send it as 'Authorization: Bearer KEY'; the operator makes one with 'stylequeue keys create OWNER'"


@dataclass(frozen=True)
class Caller:
    """The sender of a request; `key_id` is None if no key was needed, for a session it is its key's."""

    owner: str
    scope: Scope
    key_id: str | None
    lanes: tuple[Lane, ...] | None = None  # lanes to which they may submit; None means all
    by_session: bool = False
    key_name: str = ""

    @classmethod
    def of(cls, key: ApiKey, *, by_session: bool = False) -> Self:
        return cls(key.owner, key.scope, key.id, key.lanes, by_session, key.name)


ANYBODY_HERE = Caller(ANONYMOUS_OWNER, Scope.ADMIN, None)


def is_public() -> bool:
    """Return whether anybody may send the current request without a key."""
    current = current_request()
    return current.endpoint in PUBLIC_ENDPOINTS or current.blueprint in PUBLIC_BLUEPRINTS


def identify() -> None:
    """Identify the sender of a request. A wrong key is refused in `admit`, after the rate limits counted it.

    Raises:
        QueueUnavailable: Redis does not respond, so no key can be checked.
    """
    if not is_public():
        try:
            g.caller = _caller()
        except (Unauthenticated, Forbidden) as error:
            g.refusal = error


def admit() -> None:
    """Refuse a request that its sender may not make.

    Raises:
        Unauthenticated: a key is needed, or the one sent is not valid.
        Forbidden: the key's scope does not allow the request.
    """
    if "refusal" in g:
        raise g.refusal
    found = caller()
    if found:
        check_scope(found.scope)


def caller() -> Caller | None:
    """Return the sender of the current request; None if unknown."""
    found: Caller | None = g.get("caller")
    return found


def known_caller() -> Caller:
    """Return the sender of the current request, which must not be a public one."""
    found: Caller = g.caller
    return found


def current_owner() -> str:
    """Return the owner of the current request."""
    return known_caller().owner


def require_admin(*others: Scope) -> None:
    """Refuse a key that is neither an admin's nor of one of the `others`.

    Raises:
        Forbidden: the key has another scope.
    """
    if known_caller().scope not in (Scope.ADMIN, *others):
        raise Forbidden(
            "This is for operators: it needs a key made with 'stylequeue keys create OWNER --admin'"
        )


def register_identification(app: Flask) -> None:
    app.before_request(identify)


def register_admission(app: Flask) -> None:
    app.before_request(admit)


def key_of(text: str) -> ApiKey:
    """Return the record of the key `text`.

    Raises:
        Unauthenticated: there is no such key, or it expired.
    """
    key = services().keyring.find(text)
    if key is None:
        raise Unauthenticated("There is no such API key; it is wrong, or it was revoked")
    if key.has_expired:
        raise Unauthenticated(f"The API key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC; {ANOTHER_KEY}")
    return key


def _caller() -> Caller:
    text = _bearer()
    if text is None:
        return _caller_of_session() or _caller_without_key()
    key = key_of(text)
    current_request().environ[LET_IN] = True
    return Caller.of(key)


def _caller_of_session() -> Caller | None:
    """Return whose session the request's cookie names; None without a cookie, or if the session has ended.

    Raises:
        Forbidden: the request changes something, and no page of this service sent it.
    """
    text = sent_session()
    key = services().keyring.find_by_session(text) if text else None
    if key is None or key.has_expired:
        return None
    if current_request().method not in READS:
        check_own_page(services().settings.public_url)
    return Caller.of(key, by_session=True)


def _caller_without_key() -> Caller:
    if _is_local() and services().keyring.is_empty():
        return ANYBODY_HERE
    if sent_session():
        raise Unauthenticated("The session has ended; sign in again")
    raise Unauthenticated(f"This request needs an API key: {HOW_TO}")


def _is_local() -> bool:
    return is_for_this_machine(services().settings.public_url) and comes_from_this_machine()


def _bearer() -> str | None:
    """Return the key in the header Authorization (RFC 6750, section 2.1); None without that header.

    Raises:
        Unauthenticated: the header has no bearer token.
    """
    current = current_request()
    if "HTTP_AUTHORIZATION" not in current.environ:
        return None
    sent = current.authorization
    if sent is None or sent.type != "bearer" or not sent.token:
        raise Unauthenticated(f"The header Authorization has no API key: {HOW_TO}")
    return sent.token
