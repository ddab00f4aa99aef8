"""Checks of a key's scope and lanes. Some routes also require an admin."""

from __future__ import annotations

from collections.abc import Collection

from api.http.request_in_hand import current_request
from shared.request_errors import Forbidden, LaneNotAllowed
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import Scope

READS = {"GET", "HEAD", "OPTIONS"}
SECRETS = {"webhooks.get_secret"}  # a reader could sign webhooks in the owner's name
FOR_METRICS = {
    "operations.metrics",
    "operations.get_capabilities",
    "queue.get_queue",
    "queue.get_scale",
    "queue.get_recent",
    "stats.get_stats",
}


def check_scope(scope: Scope) -> None:
    """Check that a key of this scope may send the current request.

    Raises:
        Forbidden: it may not.
    """
    current = current_request()
    endpoint = current.endpoint
    if endpoint is None:
        return  # there is no such route
    if scope is Scope.METRICS and endpoint not in FOR_METRICS:
        raise Forbidden("This key is for /metrics and /v1/queue alone (keys create --metrics)")
    if scope is Scope.VIEWER and (current.method not in READS or endpoint in SECRETS):
        raise Forbidden(
            "This key reads jobs, batches and results and does nothing else (keys create --viewer)"
        )


def check_lane(lane: Lane, allowed: Collection[Lane] | None) -> None:
    """Check that a key may submit to a lane; `allowed` None means every lane.

    Raises:
        LaneNotAllowed: it may not.
    """
    if allowed is not None and lane not in allowed:
        names = ", ".join(allowed)
        raise LaneNotAllowed(
            f"This key may not use the lane '{lane}' but {names} (keys create --lanes)", "/lane"
        )
