"""The owners whose records a request may use: the caller's own, or for an admin any, which is logged."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import structlog
from flask import g, request
from pydantic import Field

from api.access.auth import current_owner, known_caller, require_admin
from api.services import services
from api.views.polling import Query
from shared.request_errors import BatchNotFound, JobNotFound
from shared.wire.operations.api_key import ALL_OWNERS, OWNER_IN_WORDS, OWNER_PATTERN, Scope
from shared.wire.words import in_words

EVENT = "another owner's records"


class OwnerQuery(Query):
    """The query of a list whose owner an admin may choose."""

    owner: Annotated[
        str | None,
        Field(
            pattern=rf"^\*$|{OWNER_PATTERN}",
            description="For admins: list this owner's records and not your own; `*`: those of all owners.",
        ),
        in_words(f"{OWNER_IN_WORDS}; * stands for all owners"),
    ] = None

    @property
    def whose(self) -> str:
        """The owner whose records to list, or ALL_OWNERS.

        Raises:
            Forbidden: the records are another owner's, and the caller is no admin.
        """
        if self.owner not in (None, current_owner()):
            require_admin()
        return noted(self.owner or current_owner())


def owner_of_named(query: OwnerQuery, *, job_id: str | None = None, batch_id: str | None = None) -> str:
    """Return the owner whose records to list, for a query that may name a job or a batch.

    An admin who names one need not name its owner.

    Raises:
        Forbidden: as `OwnerQuery.whose`.
    """
    if query.owner is None:
        with suppress(JobNotFound, BatchNotFound):
            if job_id is not None:
                return job_owner(job_id)
            if batch_id is not None:
                return batch_owner(batch_id)
    return query.whose


def reached() -> str:
    """Return the owner whose records the request may use by id; ALL_OWNERS for an admin."""
    return ALL_OWNERS if _is_admin() else current_owner()


def noted(owner: str) -> str:
    """Note whose records the request uses, and log it unless they are the caller's; return the owner."""
    caller = known_caller()
    g.used_owner = owner
    if owner != caller.owner:
        route = request.url_rule and request.url_rule.rule
        structlog.get_logger().info(
            EVENT, owner=owner, key_id=caller.key_id, method=request.method, route=route
        )
    return owner


def job_owner(job_id: str) -> str:
    """Return the caller, or for an admin the job's owner.

    Raises:
        JobNotFound: the caller is an admin, and there is no such job. For others the store raises it later.
    """
    return noted(services().store.owner_of(job_id)) if _is_admin() else current_owner()


def batch_owner(batch_id: str) -> str:
    """Return the caller, or for an admin the batch's owner.

    Raises:
        BatchNotFound: the caller is an admin, and there is no such batch.
    """
    return noted(services().batches.owner_of(batch_id)) if _is_admin() else current_owner()


def delivery_owner(delivery_id: str) -> str:
    """Return the caller, or for an admin the delivery's owner.

    Raises:
        DeliveryNotFound: the caller is an admin, and there is no such delivery.
    """
    return noted(services().deliveries.owner_of(delivery_id)) if _is_admin() else current_owner()


def shown_owner(owner: str) -> str | None:
    """Return the owner of a record for an admin; None for others, who see only their own."""
    return owner if _is_admin() else None


def _is_admin() -> bool:
    return known_caller().scope is Scope.ADMIN
