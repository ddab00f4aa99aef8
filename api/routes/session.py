"""/v1/session: who you are; a browser signs in with an API key and gets a cookie for it."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, g
from flask_openapi3 import Tag

from api.access.audit import describe_action
from api.access.auth import Caller, key_of, known_caller
from api.access.session_cookie import FOREIGN, give_session, is_foreign_page, sent_session, take_session
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import json_body, problems
from api.intake.bodies import read_json
from api.services import services
from shared.request_errors import Forbidden
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import Scope
from shared.wire.operations.session_records import SessionView, SignIn

session = Routes("session", __name__, url_prefix="/v1/session", abp_tags=[Tag(name="operations")])


@session.get("", responses={200: SessionView, **problems()})
def get_session() -> Response:
    """See whose key or session this is, and what it may do."""
    return _view(known_caller())


@session.post(
    "", responses={200: SessionView, **problems(400, 413, 415, 422)}, openapi_extensions=json_body(SignIn)
)
def sign_in() -> Response:
    """Begin a session of 12 hours and get its cookie, for browsers. It ends at once if its key is revoked."""
    parts = services()
    _check_page()
    key = key_of(read_json(SignIn).key)
    if key.scope is Scope.METRICS:
        raise Forbidden("This key is for metrics alone; a session needs a key that sees jobs")
    g.audit_actor = Caller.of(key, by_session=True)
    describe_action(subject=key.id)
    response = _view(g.audit_actor)
    give_session(response, parts.keyring.sessions.begin(key), parts.settings.public_url)
    return response


@session.delete("", responses={204: None, **problems()})
def sign_out() -> Response:
    """End the session whose cookie came with the request. Without one there is nothing to end."""
    parts, text = services(), sent_session()
    _check_page()
    response = Response(status=HTTPStatus.NO_CONTENT)
    if text:
        _note_end(text)
        parts.keyring.end_session(text)
        take_session(response, parts.settings.public_url)
    return response


def _note_end(text: str) -> None:
    key = services().keyring.find_by_session(text)
    if key:
        g.audit_actor = Caller.of(key, by_session=True)
        describe_action(subject=key.id)


def _check_page() -> None:
    if is_foreign_page(services().settings.public_url):
        raise Forbidden(FOREIGN)


def _view(caller: Caller) -> Response:
    view = SessionView(
        owner=caller.owner,
        scope=caller.scope,
        key_id=caller.key_id,
        lanes=tuple(Lane) if caller.lanes is None else caller.lanes,
        by_session=caller.by_session,
    )
    return json_response(view)
