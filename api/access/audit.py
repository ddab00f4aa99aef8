"""Entries of the audit log for requests: a table says which routes get one, and a hook writes it.

The entry is written after the action has succeeded. If Redis does not take it, the action stands and the
service's log gets the entry instead.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from flask import Flask, Response, g

from api.access.auth import Caller, caller
from api.http.request_in_hand import current_request
from api.services import services
from api.telemetry.request_ids import current_origin
from shared.errors import QueueUnavailable
from shared.store.audit_log import new_entry
from shared.wire.operations.api_key import Scope
from shared.wire.operations.audit_records import Actor, AuditAction, AuditList

REFUSED = 400  # statuses from here on: nothing was done
OF_THE_SERVICE: Mapping[str, AuditAction] = {  # actions on what belongs to no owner
    "lanes.pause_lane": AuditAction.LANE_PAUSED,
    "lanes.resume_lane": AuditAction.LANE_RESUMED,
    "workers.drain_worker": AuditAction.WORKER_DRAINED,
}
AUDITED: Mapping[str, AuditAction] = {
    **OF_THE_SERVICE,
    "keys.create_key": AuditAction.KEY_CREATED,
    "keys.revoke_key": AuditAction.KEY_REVOKED,
    "owners.put_limits": AuditAction.OWNER_LIMITED,
    "session.sign_in": AuditAction.SIGNED_IN,
    "session.sign_out": AuditAction.SIGNED_OUT,
    "batch_steering.pause_batch": AuditAction.BATCH_PAUSED,
    "batch_steering.resume_batch": AuditAction.BATCH_RESUMED,
    "batch_steering.move_batch_first": AuditAction.BATCH_MOVED_FIRST,
    "batch_steering.move_batch_to_lane": AuditAction.BATCH_MOVED_TO_LANE,
    "batches.cancel_batch": AuditAction.BATCH_CANCELED,
    "batches.retry_batch": AuditAction.BATCH_RETRIED,
    "batches.delete_batch": AuditAction.BATCH_DELETED,
    "bulk_actions.create_bulk_action": AuditAction.BULK_ACTION_CREATED,
    "bulk_actions.confirm_bulk_action": AuditAction.BULK_ACTION_CONFIRMED,
    "bulk_actions.delete_bulk_action": AuditAction.BULK_ACTION_DELETED,
    "dead_letters.replay_dead_letters": AuditAction.DEAD_LETTERS_REPLAYED,
    "dead_letters.replay_dead_letter": AuditAction.DEAD_LETTERS_REPLAYED,
    "webhooks.rotate_secret": AuditAction.WEBHOOK_SECRET_REPLACED,
}
AUDITED_IF_ANOTHERS: Mapping[str, AuditAction] = {  # what owners do to their own single jobs is no entry
    "jobs.cancel_job": AuditAction.JOB_CANCELED,
    "jobs.retry_job": AuditAction.JOB_RETRIED,
    "jobs.delete_job": AuditAction.JOB_DELETED,
    "webhooks.redeliver": AuditAction.WEBHOOK_REDELIVERED,
}


def describe_action(
    *, subject: str | None = None, owner: str | None = None, **details: str | int | None
) -> None:
    """Note what the URL of the request does not say of the action."""
    g.audit_subject, g.audit_details = subject, details
    if owner is not None:
        g.used_owner = owner


def register_audit(app: Flask) -> None:
    app.after_request(_note)


def _note(response: Response) -> Response:
    found = g.get("audit_actor") or caller()
    if found is None or response.status_code >= REFUSED:
        return response
    endpoint = current_request().endpoint or ""
    action = AUDITED.get(endpoint)
    if action is None and g.get("used_owner", found.owner) != found.owner:
        action = AUDITED_IF_ANOTHERS.get(endpoint)
    if action is not None:
        _write(found, action, None if endpoint in OF_THE_SERVICE else g.get("used_owner", found.owner))
    return response


def _write(found: Caller, action: AuditAction, owner: str | None) -> None:
    named = next(iter((current_request().view_args or {}).values()), None)
    origin = current_origin()
    entry = new_entry(
        _actor(found),
        action,
        subject=g.get("audit_subject") or named,
        owner=owner,
        request_id=origin.request_id if origin else None,
        details=g.get("audit_details"),
    )
    into = AuditList.OPERATORS if found.scope is Scope.ADMIN else AuditList.OWNERS
    try:
        services().audit_log.add(entry, into)
    except QueueUnavailable:
        structlog.get_logger().error("audit entry not stored", entry=entry.model_dump(mode="json"))


def _actor(found: Caller) -> Actor:
    return Actor(
        owner=found.owner,
        key_id=found.key_id,
        key_name=found.key_name or None,
        by_session=found.by_session,
    )
