"""A worker whose model does as the picture says: `celery -A tests.faults.scripted_worker worker`.

All but the model is the product's own.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import botocore.auth
import numpy as np

from shared.errors import OutOfMemory
from shared.settings import Settings, settings_or_exit
from shared.wire.descriptors import Lane
from shared.wire.record_version import RECORD_VERSION
from tests.faults.orders import (
    CLOCK_VARIABLE,
    LEVEL_VARIABLE,
    SIGNING_CLOCK_VARIABLE,
    ModelAction,
    Order,
    model_of,
)
from worker.assembly import Assembly
from worker.celery_worker import create_worker
from worker.images.arrays import Picture, StyleParameters
from worker.painting.painter import Original

GREED_BYTES = 3 << 30


def set_clock(seconds: float) -> None:
    """Set the wall clock that Python sees; monotonic clocks go on as before."""
    right = time.time
    time.time = lambda: right() + seconds


def set_signing_clock(seconds: float) -> None:
    right = botocore.auth.get_current_datetime

    def wrong(remove_tzinfo: bool = True) -> datetime:
        return right(remove_tzinfo=remove_tzinfo) + timedelta(seconds=seconds)

    botocore.auth.get_current_datetime = wrong


class ObedientModel:
    """Paints the negative, unless the picture orders something else."""

    digest = None
    device = "cpu"
    can_blend = True
    pixel_budget = 1  # one picture in each call
    bytes_per_pixel = 1

    def __init__(self, handle: str) -> None:
        self.handle = handle

    def style_parameters(self, style: Picture) -> StyleParameters:
        return np.asarray(style.mean((0, 1)), np.float32)

    def group(self, height: int, width: int) -> tuple[int, int]:
        return height, width

    def paint(
        self,
        contents: Sequence[Picture],
        parameters: Sequence[StyleParameters],  # noqa: ARG002
    ) -> Sequence[Picture]:
        order = _order(contents[0])
        time.sleep(order.milliseconds / 1000)
        match order.action:
            case ModelAction.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case ModelAction.MEMORY_ERROR:
                raise MemoryError
            case ModelAction.EXIT:
                raise SystemExit(1)
            case ModelAction.GREED:
                _take_memory()
            case ModelAction.NO_ROOM:
                raise OutOfMemory("The scripted device has no room")
        return [np.asarray(255 - content, np.uint8) for content in contents]


def _take_memory() -> None:
    """Take all memory that a small group may have, and no more than a test machine has if
    nothing stops it.
    """
    taken = [np.ones(GREED_BYTES // 64, np.uint8) for _ in range(64)]
    raise OutOfMemory(f"Nobody has stopped this process from taking {len(taken)} pieces of memory")


def _order(content: Picture) -> Order:
    """Return the order in a picture; pictures of others, such as the good ones among hostile files, have
    none.
    """
    try:
        return Order.of_color(*map(int, content[0, 0]))
    except ValueError:
        return Order()


def load_model(settings: Settings) -> ObedientModel:
    """Import TensorFlow before the first job if this worker minimizes, as real ones do. The import takes
    longer than the short lease of these tests, and nothing renews a lease meanwhile.
    """
    if Lane.OPTIMIZE in settings.worker_lanes:
        import worker.model.gatys.method  # noqa: F401, PLC0415
    return ObedientModel(model_of(record_version))


def load_original(settings: Settings) -> Original:
    """Return the real method; TensorFlow is imported only when a job asks for it."""
    from worker.model.gatys.method import OriginalMethod  # noqa: PLC0415

    return OriginalMethod(settings.vgg)


set_clock(float(os.environ.get(CLOCK_VARIABLE, "0")))
set_signing_clock(float(os.environ.get(SIGNING_CLOCK_VARIABLE, "0")))
record_version = int(os.environ.get(LEVEL_VARIABLE, str(RECORD_VERSION)))
app = create_worker(
    settings_or_exit(),
    partial(Assembly, load_model=load_model, load_original=load_original, record_version=record_version),
)
