"""Pictures of 200 different sizes against pictures of one size and as many pixels, by the engine alone.

Every round has sizes that the engine has not seen. On a CPU the rate is that of a second of processor time,
which other programs disturb little; on a GPU it is that of a second.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

from bench.clients.pictures import PHOTO_SIZE, make_sized_photos, mixed_sizes, style_file
from bench.measures.gpu_watch import gpu_name
from bench.measures.report import Pair, Report, alternately, median_ratio
from bench.measures.scratch import scratch_folder
from bench.stacks.children import Child
from bench.stacks.subject import worker_environment

WANTED_RATIO = 0.85
Sizes = Sequence[tuple[int, int]]


class Painting:
    """Folders of photographs for one engine process."""

    def __init__(self, engine: Child, scratch: Path) -> None:
        self._engine, self._scratch = engine, scratch
        self._process = psutil.Process(engine.pid)
        self._on_gpu = gpu_name() is not None
        self._folders = 0

    def megapixels_per_second(self, sizes: Sizes) -> float:
        self._folders += 1
        folder = self._scratch / f"photos-{self._folders}"
        make_sized_photos(folder, sizes, seed=self._folders)
        begin = self._seconds()
        painted = int(self._engine.ask(str(folder)))
        assert painted == len(sizes), (painted, len(sizes))
        return sum(map(math.prod, sizes)) / 1e6 / (self._seconds() - begin)

    def _seconds(self) -> float:
        if self._on_gpu:
            return time.perf_counter()
        times = self._process.cpu_times()
        return times.user + times.system


def main() -> None:
    arguments = _arguments()
    report = Report("mixed")
    count = arguments.pictures
    with scratch_folder() as scratch, ExitStack() as parts:
        out = str(scratch / "out")
        engine = Child(
            "bench.stacks.engine_process", str(style_file()), out, environment=worker_environment()
        )
        painting = Painting(parts.enter_context(engine).wait_until_ready(), scratch)
        one_size = [PHOTO_SIZE] * count
        painting.megapixels_per_second(one_size[: count // 4])
        pairs = alternately(
            lambda n: painting.megapixels_per_second(mixed_sizes(count, seed=n)),
            lambda _: painting.megapixels_per_second(one_size),
            arguments.rounds,
            lambda n, pair: report.say(_line(n, count, pair)),
        )
    ratio = median_ratio(pairs)
    report.say(f"{count} sizes reach {ratio:.2f} of one size's pixel rate; wanted {WANTED_RATIO}")
    report.finish(ratio, pairs, unit="megapixels/s", pictures=count)


def _line(number: int, count: int, pair: Pair) -> str:
    figures = (
        f"{count} sizes {pair.ours:.2f} megapixels/s, one size {pair.theirs:.2f}, ratio {pair.ratio:.2f}"
    )
    return f"round {number + 1}: {figures} (others took {pair.others:.2f} cores)"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
