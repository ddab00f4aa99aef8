"""A worker whose model does as the picture says: `celery -A tests.faults.stand_ins.scripted_worker worker`.

All but the model is the product's own.
"""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from functools import partial

import botocore.auth

from shared.settings import Settings, settings_or_exit
from shared.wire.descriptors import Lane
from shared.wire.record_version import RECORD_VERSION
from tests.faults.stand_ins.obedient_model import ObedientModel
from tests.faults.stand_ins.orders import (
    CLOCK_VARIABLE,
    LEVEL_VARIABLE,
    SIGNING_CLOCK_VARIABLE,
    model_of,
)
from worker.assembly import Assembly
from worker.celery_worker import create_worker
from worker.painting.original import Original


def set_clock(seconds: float) -> None:
    """Set the wall clock that Python sees; monotonic clocks go on as before."""
    right = time.time
    time.time = lambda: right() + seconds


def set_signing_clock(seconds: float) -> None:
    right = botocore.auth.get_current_datetime

    def wrong(remove_tzinfo: bool = True) -> datetime:
        return right(remove_tzinfo=remove_tzinfo) + timedelta(seconds=seconds)

    botocore.auth.get_current_datetime = wrong


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
