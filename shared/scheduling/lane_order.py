"""The order in which a free slot looks at the lanes for its next message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MAX_PASSES = 7  # so at least one of any eight messages from a lane and those above it is the lane's own


class LaneOrder:
    """Serve the highest lane that has a message, but look first at a lane that was passed over seven times.

    A lane is passed over when a message is taken from a higher lane and the lane is not known to be empty.
    The count restarts when the lane is found empty. If several lanes are due, the lowest comes first.

    This class implements kombu's interface for a queue cycle (kombu.utils.scheduling), for the option
    `queue_order_strategy` of its Redis transport. Each channel makes its own instance and calls it from one
    thread: `consume` before a BRPOP, which takes from the first queue that has a message, and `rotate` after
    a BRPOP that returned one.
    """

    def __init__(self, lanes: Sequence[str]) -> None:
        """`lanes` are names of queues, the highest first; other queues come last."""
        self._ranks = {queue: rank for rank, queue in enumerate(lanes)}
        self._queues: list[str] = []
        self._passes: dict[str, int] = {}
        self._offered: list[str] = []  # to the BRPOP under way

    def update(self, queues: Iterable[str]) -> None:
        """Set the queues to take from."""
        self._queues = sorted(queues, key=self._rank)

    def consume(self, count: int) -> list[str]:
        """Return the first `count` queues in the order in which to look at them."""
        if self._offered:  # no `rotate` followed the last call, so all of them were empty
            self._passes.clear()
        due = [queue for queue in reversed(self._queues) if self._passes.get(queue, 0) >= MAX_PASSES]
        self._offered = (due + [queue for queue in self._queues if queue not in due])[:count]
        return list(self._offered)

    def rotate(self, last_used: str) -> str:
        """Note that a message was taken from `last_used`."""
        offered, self._offered = self._offered, []
        looked_at = True
        for queue in offered:
            if looked_at:
                self._passes[queue] = 0  # it was served, or it was empty
                looked_at = queue != last_used
            elif self._rank(queue) > self._rank(last_used):
                self._passes[queue] = self._passes.get(queue, 0) + 1
        return last_used

    def _rank(self, queue: str) -> int:
        return self._ranks.get(queue, len(self._ranks))
