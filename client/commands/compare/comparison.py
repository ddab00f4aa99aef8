"""One picture by both methods: the jobs, their results, and their losses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from client.api_client import StyleQueue
from client.errors import StyleQueueClientError
from client.folder.downloads import result_of
from shared.wire.descriptors import Output
from shared.wire.loss_records import LossReport, LossValues, Optimization
from shared.wire.params import Params
from shared.wire.records import JobView

AS_PNG = Output(format="png")  # lossless, so the saved picture is the measured one


@dataclass(frozen=True)
class Comparison:
    """The files and their losses."""

    content: Path
    style: Path
    fast: Path
    optimized: Path
    fast_losses: LossReport
    optimized_losses: LossReport
    optimization: Optimization
    fast_seconds: float  # of the model alone
    optimize_seconds: float

    def rows(self) -> list[tuple[str, LossValues]]:
        """Return the losses of the photo and of both results."""
        before = self.fast_losses.content_image
        return [("content image", before), ("fast", self.fast_losses), ("optimize", self.optimized_losses)]


def compare(
    queue: StyleQueue,
    content: Path,
    style: Path,
    params: Params,
    folder: Path,
    on_change: Callable[[JobView], None],
) -> Comparison:
    """Submit both jobs and save their pictures below `folder`; `params` are those of 'optimize'.

    Raises:
        JobFailed: one of them ended without a picture.
    """
    fast_params = Params(losses=True, alpha=params.alpha, beta=params.beta, max_side=params.max_side)
    optimized = queue.submit(content, style, params=params, output=AS_PNG)
    fast = queue.wait(queue.submit(content, style, params=fast_params, output=AS_PNG))
    fast_file = queue.save(fast, folder / "fast.png")
    optimized = queue.wait(optimized, on_change=on_change)
    optimized_file = queue.save(optimized, folder / "optimize.png")
    first, second = result_of(fast), result_of(optimized)
    if first.losses is None or second.losses is None or second.optimization is None:
        raise StyleQueueClientError("The service's workers are too old: their results have no losses")
    return Comparison(
        content,
        style,
        fast_file,
        optimized_file,
        first.losses,
        second.losses,
        second.optimization,
        first.timings_ms.get("model", 0) / 1000,
        second.timings_ms.get("optimize", 0) / 1000,
    )
