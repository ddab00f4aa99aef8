"""A worker whose accelerator is simulated: `celery -A bench.stacks.simulated_worker worker`.

All but the model is the product's own. One process is one slot, as with real accelerators: a process makes
one model call at a time, and its other threads fetch, encode and put meanwhile. `pixel_budget` is one small
picture, so a call never takes two, and the ideal is exactly one job per call.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from shared.errors import ModelUnavailable
from shared.settings import Settings, settings_or_exit
from worker.assembly import Assembly
from worker.celery_worker import create_worker
from worker.images.arrays import Picture, StyleParameters

CALL_SECONDS_VARIABLE = "BENCH_CALL_SECONDS"
GATE_VARIABLE = "BENCH_GATE"
SIDE = 64  # pixels; what the CPU does for such a picture is little


class SimulatedStylizer:
    """Returns the contents after a fixed time that costs no processor."""

    handle = "simulated"
    digest = None
    device = "simulated"
    can_blend = True
    pixel_budget = SIDE * SIDE
    bytes_per_pixel = 1
    bands = None

    def __init__(self, seconds_per_batch: float, gate: Path) -> None:
        self._seconds_per_batch = seconds_per_batch
        self._gate = gate

    def style_parameters(self, style: Picture) -> StyleParameters:  # noqa: ARG002 - the interface of a model
        return np.zeros(1, np.float32)

    def group(self, height: int, width: int) -> tuple[int, int]:
        return height, width

    def paint(
        self,
        contents: Sequence[Picture],
        parameters: Sequence[StyleParameters],  # noqa: ARG002
    ) -> Sequence[Picture]:
        self._pass_gate()
        time.sleep(self._seconds_per_batch)
        return contents

    def _pass_gate(self) -> None:
        """Wait while the benchmark holds the lock, until all jobs of a run are submitted."""
        with self._gate.open("rb") as gate:
            fcntl.flock(gate, fcntl.LOCK_SH)


def load_simulated(_: Settings) -> SimulatedStylizer:
    if "tensorflow" in sys.modules:
        raise ModelUnavailable("A simulated worker has TensorFlow in it; it would be too large")
    return SimulatedStylizer(float(os.environ[CALL_SECONDS_VARIABLE]), Path(os.environ[GATE_VARIABLE]))


app = create_worker(settings_or_exit(), partial(Assembly, load_model=load_simulated))
