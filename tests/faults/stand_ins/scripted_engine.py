"""An engine whose model does as the picture says.

It is run as `python -m tests.faults.stand_ins.scripted_engine SOCKET PULSE`.
"""

from __future__ import annotations

from shared.settings import Settings
from shared.wire.record_version import RECORD_VERSION
from tests.faults.stand_ins.obedient_model import ObedientModel
from tests.faults.stand_ins.orders import model_of
from worker.engine.command import run_engine
from worker.model.loading import load_original


def load(_: Settings, __: int) -> ObedientModel:
    return ObedientModel(model_of(RECORD_VERSION))


if __name__ == "__main__":
    run_engine(load, load_original)
