"""What the scope of a key lets a request do, beside the routes that ask for an admin."""

from __future__ import annotations

from collections.abc import Collection

from api.http.request_in_hand import current_request
from shared.errors import Forbidden, LaneNotAllowed
from shared.wire.api_key import Scope
from shared.wire.descriptors import Lane

READS = {"GET", "HEAD", "OPTIONS"}
SECRETS = {"webhooks.get_secret"}  # whoever reads one can sign webhooks in the owner's name
FOR_METRICS = {
    "operations.metrics",
    "operations.get_capabilities",
    "queue.get_queue",
    "queue.get_scale",
    "queue.get_recent",
}


def check_scope(scope: Scope) -> None:
    """
    Raises:
        Forbidden: the request in hand does what a key of this scope may not do.
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
    """
    Raises:
        LaneNotAllowed: the lane is not among those that the key may submit to; None allows all.
    """
    if allowed is not None and lane not in allowed:
        names = ", ".join(allowed)
        raise LaneNotAllowed(
            f"This key may not use the lane '{lane}' but {names} (keys create --lanes)", "/lane"
        )
