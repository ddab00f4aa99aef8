"""Compare the losses and the content distances of both methods over all pairs of the sample pictures, and
measure what minimizing costs.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import asdict, dataclass, fields
from itertools import pairwise, product
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from bench.baselines.descents import adam
from bench.measures.content_distance import content_distance
from bench.measures.report import Report, table
from bench.stacks.subject import environment
from samples import content_paths, style_paths
from shared.settings import Settings
from shared.wire.params import Params
from worker.images.arrays import Picture
from worker.images.codec import decode_content
from worker.images.headers import ImageLimits
from worker.model.batched_model import BatchedModel
from worker.model.gatys.features import load_vgg
from worker.model.gatys.method import OriginalMethod
from worker.model.shared_model import SharedModel
from worker.painting.style_crops import DECODED_SIDES, crops

STEPS_BETWEEN_LOOKS = 10
HEAD_STARTS = (5, 10, 20, 50, 100)  # steps after which the two beginnings are compared, and after the last
MEMORY_SIDE = 512


@dataclass(frozen=True)
class Row:
    """One pair: style losses, then total losses, of the content picture, the fast one, and the minimized
    ones.
    """

    content: str
    style: str
    content_style: float
    fast_style: float
    optimized_style: float
    fast_total: float
    optimized_total: float
    from_content_total: float
    head_starts: dict[int, float]  # by steps: the total from the content, over that from the fast picture
    falls: bool  # the total at every tenth step is below the one before
    ordered: bool  # style loss: content > fast > optimized
    seconds: float


@dataclass(frozen=True)
class Distances:
    """One pair: content distances from the photograph, and style losses. The photograph itself has the
    distance 0; the style picture itself, scaled to the photograph's shape, is the other end.
    """

    pair: str
    fast: float
    optimized: float
    style_picture: float
    photo_style: float
    fast_style: float
    optimized_style: float
    style_picture_style: float

    def cells(self) -> list[object]:
        distances = (self.fast, self.optimized, self.style_picture)
        losses = (self.photo_style, self.fast_style, self.optimized_style, self.style_picture_style)
        return [self.pair, *(f"{each:.3f}" for each in distances), *(f"{each:.3g}" for each in losses)]


class Studio:
    """The engine and the VGG network of one worker process."""

    def __init__(self, side: int, iterations: int) -> None:
        settings = Settings.from_environment(environment())
        from worker.app import load_model  # noqa: PLC0415 - reads the environment, and loads TensorFlow

        self.engine = SharedModel(BatchedModel(load_model(settings), 10**10), settings.style_cache_bytes)
        self.original = OriginalMethod(settings.vgg)
        self.vgg = load_vgg(settings.vgg)
        self.iterations = iterations
        self._limits = ImageLimits.from_settings(settings)
        self._side = side

    def content(self, file: Path, side: int | None = None) -> Picture:
        return decode_content(file.read_bytes(), side or self._side, self._limits).picture

    def fast(self, content: Picture, style_file: Path) -> Picture:
        size = Params().style_size
        squares = crops(self.content(style_file, DECODED_SIDES * size), size, Params().style_crop)
        style = self.engine.blend([(self.engine.style_of(square), 1.0) for square in squares])
        return self.engine.paint(content, style)

    def optimize(
        self, content: Picture, style: Picture, start: Picture | None, **wishes: object
    ) -> tuple[Picture, list[float]]:
        """Return the picture, and the total loss after each step."""
        params = Params.model_validate({"method": "optimize", "iterations": self.iterations, **wishes})
        totals: list[float] = []
        picture, _ = self.original.paint(
            content,
            [(style, 1.0)],
            start,
            params,
            float("inf"),
            lambda: None,
            lambda _, losses, *__: totals.append(losses.total),
        )
        return picture, totals

    def measure(self, content_file: Path, style_file: Path) -> Row:
        content, style = self.content(content_file), self.content(style_file)
        fast = self.fast(content, style_file)
        begin = time.perf_counter()
        optimized, totals = self.optimize(content, style, fast)
        seconds = time.perf_counter() - begin
        _, from_content = self.optimize(content, style, content)
        styles = [(style, 1.0)]
        fast_losses, best = (
            self.original.report(picture, content, styles, Params(losses=True))
            for picture in (fast, optimized)
        )
        looks = [fast_losses.total, *totals[STEPS_BETWEEN_LOOKS - 1 :: STEPS_BETWEEN_LOOKS]]
        return Row(
            content=content_file.stem,
            style=style_file.stem,
            content_style=fast_losses.content_image.style,
            fast_style=fast_losses.style,
            optimized_style=best.style,
            fast_total=fast_losses.total,
            optimized_total=best.total,
            from_content_total=from_content[-1],
            head_starts={
                steps: from_content[steps - 1] / totals[steps - 1]
                for steps in (*HEAD_STARTS, self.iterations)
                if steps <= min(len(totals), len(from_content))
            },
            falls=all(later < earlier for earlier, later in pairwise(looks)),
            ordered=fast_losses.content_image.style > fast_losses.style > best.style,
            seconds=seconds,
        )

    def distances(self, content_file: Path, style_file: Path) -> Distances:
        """Compare both methods, the minimization from the fast picture, with the two ends that need none."""
        content, style = self.content(content_file), self.content(style_file)
        fast = self.fast(content, style_file)
        height, width, _ = content.shape
        unpainted = np.asarray(Image.fromarray(style).resize((width, height), Image.Resampling.LANCZOS))
        painted = (fast, self.optimize(content, style, fast)[0], unpainted)
        objective = self.original.objective(content, [(style, 1.0)], Params(losses=True))
        scaled = (each.astype(np.float32) / np.float32(255) for each in (content, *painted))
        return Distances(
            f"{content_file.stem} x {style_file.stem}",
            *(content_distance(self.vgg, each, content) for each in painted),
            *(objective.losses(each).style for each in scaled),
        )


def main() -> None:
    arguments = _arguments()
    studio = Studio(arguments.side, arguments.iterations)
    _report_distances(studio)
    if arguments.distances:
        return
    report = Report("quality")
    rows = []
    for content_file, style_file in product(content_paths(), style_paths()):
        rows.append(studio.measure(content_file, style_file))
        report.say(_line(rows[-1]))
    report.say(table(HEADINGS, [_cells(row) for row in rows]))
    ordered, falling = sum(row.ordered for row in rows), sum(row.falls for row in rows)
    report.say(f"style loss: content > fast > optimize for {ordered} of {len(rows)} pairs")
    report.say(f"the total falls at every tenth step for {falling} of {len(rows)} pairs")
    for steps in sorted(set.intersection(*(set(row.head_starts) for row in rows))):
        leads = [row.head_starts[steps] for row in rows]
        lower = sum(lead > 1 for lead in leads)
        report.say(
            f"after {steps} steps the total is lower from the fast picture than from the content for {lower} "
            f"of {len(rows)} pairs, by a factor of {median(leads):.2f} in the median"
        )
    extras = _extras(studio, report)
    ratio = median(row.fast_style / row.optimized_style for row in rows)
    report.say(f"the fast picture's style loss is {ratio:.1f} times the minimized one's in the median")
    report.finish(ratio, [asdict(row) for row in rows], side=arguments.side, **extras)


def _report_distances(studio: Studio) -> None:
    report = Report("distances")
    report.say(f"content distances and style losses, at {studio.iterations} steps of the minimization")
    rows = []
    for content_file, style_file in product(content_paths(), style_paths()):
        rows.append(studio.distances(content_file, style_file))
        report.say("  ".join(map(str, rows[-1].cells())))
    columns = [field.name for field in fields(Distances)][1:]
    medians = Distances("median", *(median(getattr(row, name) for row in rows) for name in columns))
    report.say(table(DISTANCE_HEADINGS, [row.cells() for row in (*rows, medians)]))
    report.say("ArtFID is not measured: its two networks cannot be had offline")
    report.finish(medians.fast / medians.style_picture, [asdict(row) for row in rows])


DISTANCE_HEADINGS = (
    *("pair", "distance: fast", "optimize", "style picture"),
    *("style loss: photo", "fast", "optimize", "style picture"),
)
HEADINGS = ("pair", "style: content", "fast", "optimize", "total: fast", "optimize", "from content", "s")


def _cells(row: Row) -> list[object]:
    losses = (
        *(row.content_style, row.fast_style, row.optimized_style),
        *(row.fast_total, row.optimized_total, row.from_content_total),
    )
    return [f"{row.content} x {row.style}", *(f"{loss:.3g}" for loss in losses), row.seconds]


def _line(row: Row) -> str:
    return (
        f"{row.content} x {row.style}: style {row.content_style:.3g} > {row.fast_style:.3g} > "
        f"{row.optimized_style:.3g}, {row.seconds:.0f} s"
    )


def _extras(studio: Studio, report: Report) -> dict[str, object]:
    """Measure one pair: L-BFGS against Adam in the same time, the same seed twice, and memory at
    512 pixels.
    """
    content_file, style_file = content_paths()[1], style_paths()[-1]
    content, style = studio.content(content_file), studio.content(style_file)
    fast = studio.fast(content, style_file)
    begin = time.perf_counter()
    _, totals = studio.optimize(content, style, fast)
    seconds = time.perf_counter() - begin
    by_adam = adam(studio.original, content, style, fast, seconds)
    report.say(
        f"in {seconds:.0f} s: L-BFGS {totals[-1]:.4g} after {len(totals)} steps, Adam {by_adam.total:.4g} "
        f"after {by_adam.steps} (the best of its rates, {by_adam.rate:g})"
    )
    twice = [studio.optimize(content, style, None, seed=7)[0].astype(int) for _ in range(2)]
    largest = int(np.abs(twice[0] - twice[1]).max())
    report.say(f"the same seed twice: pixels differ by {largest} of 255 at most")
    large = studio.content(content_file, MEMORY_SIDE), studio.content(style_file, MEMORY_SIDE)
    studio.optimize(*large, large[0], iterations=3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    pixels = large[0].shape[0] * large[0].shape[1]
    report.say(f"after a minimization of {pixels:,} pixels the process has had {peak / 1e9:.2f} GB at most")
    return {
        "adam": asdict(by_adam),
        "lbfgs_total": totals[-1],
        "seed_difference": largest,
        "peak_bytes": peak,
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=128, help="longest side, in pixels")
    parser.add_argument("--iterations", type=int, default=150)
    parser.add_argument("--distances", action="store_true", help="measure only distances and their losses")
    return parser.parse_args()


if __name__ == "__main__":
    main()
