"""A model that does as the picture says."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence

import numpy as np

from shared.errors import OutOfMemory
from tests.faults.stand_ins.orders import ModelAction, Order
from worker.images.arrays import Picture, StyleParameters

GREED_BYTES = 3 << 30


class ObedientModel:
    """Paints the negative, unless the picture orders something else."""

    digest = None
    device = "cpu"
    can_blend = True
    pixel_budget = 1  # one picture in each call
    bytes_per_pixel = 1
    bands = None

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
