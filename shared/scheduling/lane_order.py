"""Which lane's message a free slot takes next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MAX_PASSES = 7  # so that of any eight messages taken from a lane and those above it, one is the lane's own


class LaneOrder:
    """The highest lane that has a message is served, and a lane passed over seven times is looked at first.

    A lane is passed over by a message from a lane above it while it is not known to be empty. One that had
    nothing when it was looked at is counted anew. Of several that wait for their turn, the lowest is first.

    This is a cycle as kombu's Redis transport has it (kombu.utils.scheduling), for its option
    `queue_order_strategy`. Each channel makes its own and calls it from one thread: `consume` before a BRPOP,
    which takes from the first queue that has a message, and `rotate` when that BRPOP brought one.
    """

    def __init__(self, lanes: Sequence[str]) -> None:
        """`lanes` are names of queues, the highest first; a queue that is not among them comes last."""
        self._ranks = {queue: rank for rank, queue in enumerate(lanes)}
        self._queues: list[str] = []
        self._passes: dict[str, int] = {}
        self._offered: list[str] = []  # to the BRPOP under way

    def update(self, queues: Iterable[str]) -> None:
        """The queues to take from are now these."""
        self._queues = sorted(queues, key=self._rank)

    def consume(self, count: int) -> list[str]:
        """The first `count` queues in the order in which to look at them."""
        if self._offered:  # and not answered by `rotate`: all of them were empty
            self._passes.clear()
        due = [queue for queue in reversed(self._queues) if self._passes.get(queue, 0) >= MAX_PASSES]
        self._offered = (due + [queue for queue in self._queues if queue not in due])[:count]
        return list(self._offered)

    def rotate(self, last_used: str) -> str:
        """A message was taken from `last_used`."""
        offered, self._offered = self._offered, []
        looked_at = True
        for queue in offered:
            if looked_at:
                self._passes[queue] = 0  # it had its turn, or had nothing
                looked_at = queue != last_used
            elif self._rank(queue) > self._rank(last_used):
                self._passes[queue] = self._passes.get(queue, 0) + 1
        return last_used

    def _rank(self, queue: str) -> int:
        return self._ranks.get(queue, len(self._ranks))
