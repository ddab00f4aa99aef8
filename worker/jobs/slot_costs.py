"""The cost of the time for which a job holds its slot without using the device."""

from __future__ import annotations

from shared.scheduling.cost import SECONDS_OF_ONE, USUAL_COST, cost_of_pass

KEPT = 0.95  # weight of the past at each picture; the measure adapts within about twenty pictures


class SlotCosts:
    """Converts seconds to cost, by the seconds that the device lately took for a cost of one.

    So time on the device and time beside it count alike, on slow devices and on fast ones. The time for which
    a picture waits for the device is part of the device's time, because it holds a slot meanwhile.
    """

    def __init__(self) -> None:
        self._sums = USUAL_COST * SECONDS_OF_ONE, float(USUAL_COST)  # replaced as a whole: threads share it

    def count_painted(self, pixels: int, seconds: float) -> None:
        """Note that the fast method took so long for a picture."""
        device_seconds, cost = self._sums
        self._sums = KEPT * device_seconds + seconds, KEPT * cost + cost_of_pass(pixels)

    def cost_of(self, seconds: float) -> int:
        device_seconds, cost = self._sums
        return round(seconds * cost / device_seconds)
