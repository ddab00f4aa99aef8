"""/v1/audit: who did what, and when."""

from __future__ import annotations

from flask import Response
from flask_openapi3 import Tag

from api.access.auth import known_caller
from api.access.owners import OwnerQuery
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import problems
from api.routes.batches import PageQuery
from api.services import services
from shared.wire.operations.api_key import ALL_OWNERS, Scope
from shared.wire.operations.audit_records import AuditEntry, AuditFilter, AuditPage

audit = Routes("audit", __name__, url_prefix="/v1/audit", abp_tags=[Tag(name="operations")])


class AuditQuery(OwnerQuery, PageQuery, AuditFilter):
    """The query of the log. An admin who names no owner sees the entries of all."""

    @property
    def about(self) -> str:
        """The owner by whom or about whom the entries are, or ALL_OWNERS.

        Raises:
            Forbidden: they are another owner's, and the caller is no admin.
        """
        if self.owner is None and known_caller().scope is Scope.ADMIN:
            return ALL_OWNERS
        return self.whose


@audit.get("", responses={200: AuditPage, **problems(422)})
def list_audit(query: AuditQuery) -> Response:
    """List what operators and owners did to keys, lanes, workers, batches and others' jobs, newest first.

    An admin sees all entries, everybody else those about their records and those by their keys. The log keeps
    the last 10,000 actions of operators and the last 10,000 of all other keys.
    """
    page = services().audit_log.page(query.about, query, limit=query.limit, cursor=query.cursor)
    return json_response(page.model_copy(update={"entries": tuple(map(_shown, page.entries))}))


def _shown(entry: AuditEntry) -> AuditEntry:
    """Return an entry without its actor, if that is an operator and the reader is no admin."""
    caller = known_caller()
    if caller.scope is Scope.ADMIN or (entry.actor and entry.actor.owner == caller.owner):
        return entry
    return entry.model_copy(update={"actor": None})
