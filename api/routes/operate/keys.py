"""/v1/keys: list, make and revoke API keys; for operators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from flask import Response
from flask_openapi3 import Tag
from pydantic import BaseModel, Field

from api.access.audit import describe_action
from api.access.auth import require_admin
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import json_body, problems
from api.intake.bodies import read_json
from api.services import services
from api.views.polling import Query
from shared.errors import QueueRefused
from shared.policy.key_rules import check_lanes, moment_of_expiry
from shared.request_errors import Forbidden, InvalidParameter, KeyNotFound
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import ANONYMOUS_OWNER, OWNER_IN_WORDS, OWNER_PATTERN, ApiKey
from shared.wire.operations.key_records import KeyList, KeyRequest, KeyView, NewKey
from shared.wire.words import in_words

keys = Routes("keys", __name__, url_prefix="/v1/keys", abp_tags=[Tag(name="operations")])


class KeyPath(BaseModel):
    key_id: str = Field(description="The key's id, which its text begins with after `sq_`.")


class KeyQuery(Query):
    owner: Annotated[
        str | None, Field(pattern=OWNER_PATTERN, description="Only this owner's."), in_words(OWNER_IN_WORDS)
    ] = None


@keys.get("", responses={200: KeyList, **problems(422)})
def list_keys(query: KeyQuery) -> Response:
    """List API keys, the oldest first, with their last use."""
    require_admin()
    store = services().keyring.store
    used = store.last_used()
    views = tuple(KeyView.model_validate(_members(key, used.get(key.id))) for key in store.keys(query.owner))
    return json_response(KeyList(keys=views))


@keys.post(
    "", responses={201: NewKey, **problems(400, 413, 415, 422)}, openapi_extensions=json_body(KeyRequest)
)
def create_key() -> Response:
    """Make an API key. The response has its text, which cannot be shown again.

    The service's Redis user must be allowed to make keys, or this is 403 and operators use the command.
    """
    require_admin()
    wanted, store = read_json(KeyRequest), services().keyring.store
    expires_at = _checked(wanted)
    with _allowed():
        first = store.is_empty()
        text, key = store.create(
            wanted.owner, wanted.scope, wanted.name, expires_at=expires_at, lanes=_in_order(wanted)
        )
    describe_action(
        subject=key.id, owner=key.owner, scope=key.scope, name=key.name or None, expires=wanted.expires
    )
    view = NewKey.model_validate({**_members(key, None), "key": text, "first": first})
    response = json_response(view, HTTPStatus.CREATED)
    response.headers["Cache-Control"] = "no-store"
    return response


@keys.delete("/<key_id>", responses={204: None, **problems(404)})
def revoke_key(path: KeyPath) -> Response:
    """Revoke a key: within two seconds, requests and sessions with it are refused.

    Without the last key, the service serves its own machine only, and needs no key there.
    """
    require_admin()
    store = services().keyring.store
    key = store.get(path.key_id)
    with _allowed():
        if key is None or not store.revoke(key.id):
            raise KeyNotFound(f"There is no key {path.key_id[:64]!r}")
    describe_action(owner=key.owner, scope=key.scope, name=key.name or None)
    return Response(status=HTTPStatus.NO_CONTENT)


def _checked(wanted: KeyRequest) -> datetime | None:
    """Return the end of the wanted key's validity; None if it has none.

    Raises:
        InvalidParameter: nobody may have such a key.
    """
    if wanted.owner == ANONYMOUS_OWNER:
        raise InvalidParameter(
            f"'{ANONYMOUS_OWNER}' is the owner of what is submitted without a key; take another name",
            "/owner",
        )
    if not wanted.name.isprintable():
        raise InvalidParameter("The name has characters that cannot be printed", "/name")
    with _refused("/lanes"):
        check_lanes(wanted.scope, wanted.lanes)
    with _refused("/expires"):
        return moment_of_expiry(wanted.expires) if wanted.expires else None


@contextmanager
def _refused(pointer: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise InvalidParameter(str(error), pointer) from None


@contextmanager
def _allowed() -> Iterator[None]:
    """Turn the refusal of Redis, whose user may only read keys, into a sentence for the operator."""
    try:
        yield
    except QueueRefused as error:
        raise Forbidden(
            "The API's Redis user may read keys and not change them (docs/8-security.md); "
            "use 'stylequeue keys' with the operator's"
        ) from error


def _in_order(wanted: KeyRequest) -> tuple[Lane, ...] | None:
    """Return each lane once, the highest first."""
    return tuple(lane for lane in Lane if lane in wanted.lanes) if wanted.lanes else None


def _members(key: ApiKey, last_used_at: datetime | None) -> dict[str, object]:
    return {**key.model_dump(exclude={"sha256"}), "expired": key.has_expired, "last_used_at": last_used_at}
