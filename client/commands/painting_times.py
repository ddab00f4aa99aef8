"""The time that minimizations take, in words, by the rate that the workers have measured."""

from __future__ import annotations

from client.commands.tables import duration
from shared.scheduling.minimization import expected_seconds, full_steps, side_within
from shared.wire.loss_records import JobProgress
from shared.wire.params import Params
from shared.wire.records import Capabilities

SHOWN_SIDES = (256, 512, 1024)
SQUARE = 1.0  # the aspect with the most pixels for a longer side


def times_in_words(service: Capabilities, params: Params) -> str:
    """Return how long a square picture takes at several sizes, and the size that the worker chooses."""
    rate, longest = service.optimize_rate, int(service.limits.get("optimize_max_side", max(SHOWN_SIDES)))
    if rate is None:
        return "No worker has measured yet how long a minimization takes."
    steps = full_steps(params.iterations, params.levels)
    asked = () if params.leaves_size_to_worker else (params.longest_side,)
    sides = sorted(side for side in {*SHOWN_SIDES, *asked} if side <= longest)
    times = (f"{side} px: about {_about(side, steps, rate)}" for side in sides)
    sentence = f"A square picture takes, by side, {', '.join(times)}."
    target = service.limits.get("optimize_target_seconds")
    if params.leaves_size_to_worker and target:
        seconds = min(target, params.max_seconds or target)
        chosen = side_within(seconds, SQUARE, steps, rate, longest)
        sentence += (
            f" The worker chooses about {chosen} px, for {duration(seconds)}; --max-side sets another side."
        )
    return sentence


def time_left_in_words(progress: JobProgress) -> str:
    """Return the chosen size and the time to the last step, as far as they are known."""
    size = f"{progress.chosen_side} px" if progress.chosen_side else ""
    left = "" if progress.seconds_left is None else f"about {duration(progress.seconds_left)} left"
    return ", ".join(part for part in (size, left) if part)


def _about(side: int, steps: float, rate: float) -> str:
    return duration(max(1, expected_seconds(side, SQUARE, steps, rate)))
