"""One process of the worker's engine without the queue, with as many threads as a worker has.

    python -m bench.stacks.engine_process STYLE OUT < folders

Processes that are given the same folder share its photographs; each prints how many it has painted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.settings import Settings, settings_or_exit
from shared.wire.descriptors import Output
from shared.wire.params import Params
from worker.app import load_model
from worker.images.codec import decode_content, encode
from worker.images.headers import ImageLimits
from worker.layout import calls_at_once
from worker.model.batched_model import BatchedModel
from worker.model.memory import model_budget_bytes
from worker.model.shared_model import SharedModel
from worker.model.style_cache import KnownStyle
from worker.painting.style_crops import DECODED_SIDES, crops

TAKEN = ".taken"


def main(style_file: str, out_folder: str) -> None:
    settings = settings_or_exit()
    engine = load_engine(settings)
    paint = painter(engine, settings, Path(style_file), Path(out_folder))
    print("ready", flush=True)
    with ThreadPoolExecutor(settings.worker_threads) as threads:
        for line in sys.stdin:
            files = sorted(Path(line.strip()).glob("*.jpg"))
            shares = threads.map(lambda _: share(files, paint), range(settings.worker_threads))  # noqa: B023
            print(sum(shares), flush=True)


def load_engine(settings: Settings) -> SharedModel:
    """Load the engine as worker/engine/command.py does."""
    calls = calls_at_once(settings.intra_op_threads)
    budget = model_budget_bytes(settings.memory_budget_bytes, settings.processes_per_host * calls)
    return SharedModel(BatchedModel(load_model(settings, calls), budget, calls), settings.style_cache_bytes)


def painter(engine: SharedModel, settings: Settings, style_file: Path, out: Path) -> Callable[[Path], None]:
    """Return a function that decodes, paints and encodes as worker/jobs/pipeline.py does, with files instead
    of S3.
    """
    limits, params, output = ImageLimits.from_settings(settings), Params(), Output()
    out.mkdir(parents=True, exist_ok=True)

    def style() -> KnownStyle:
        size = params.style_size
        whole = decode_content(style_file.read_bytes(), DECODED_SIDES * size, limits).picture
        squares = crops(whole, size, params.style_crop)
        return KnownStyle(engine.blend([(engine.style_of(square), 1.0) for square in squares]))

    def paint(file: Path) -> None:
        content = decode_content(file.read_bytes(), params.longest_side, limits).picture
        known, _ = engine.style(str(style_file), style)
        image = encode(engine.paint(content, known.parameters), output)
        (out / file.name).write_bytes(image.data)

    return paint


def share(files: list[Path], paint: Callable[[Path], None]) -> int:
    """Paint the files that no other process has taken. The process that creates the mark beside a file has
    it.
    """
    painted = 0
    for file in files:
        try:
            file.with_suffix(TAKEN).touch(exist_ok=False)
        except FileExistsError:
            continue
        paint(file)
        painted += 1
    return painted


if __name__ == "__main__":
    main(*sys.argv[1:])
