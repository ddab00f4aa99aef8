"""A worker whose model waits for Redis' word: `celery -A tests.workers.slow_worker worker`.

All else is the service's own, including the handlers of signals. Files of certain widths bring a decoder
down.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import numpy as np
import redis

from shared.errors import ModelUnavailable
from shared.settings import Settings, settings_or_exit
from worker.assembly import Assembly
from worker.celery_worker import create_worker
from worker.images.arrays import Picture, StyleParameters

CALLS = "test:calls"  # list: an entry for each call of the model
OPEN = "test:open"  # list: each entry lets one call end; `GONE` means that the model fails for ever
ALWAYS_OPEN = "test:always-open"  # set: no call waits
DEAF = "test:deaf"  # set: a signal that comes while the model is loaded is swallowed
GONE = b"gone"
PATIENCE_SECONDS = 120


class SlowModel:
    """Returns the content when the test lets it."""

    handle = "slow"
    digest = None
    device = "cpu"
    can_blend = True
    pixel_budget = 1
    bytes_per_pixel = 1
    bands = None

    def __init__(self, settings: Settings) -> None:
        self._redis = redis.Redis.from_url(settings.redis_url, socket_timeout=PATIENCE_SECONDS + 10)
        if self._redis.exists(DEAF):
            with suppress(SystemExit):
                os.kill(os.getpid(), signal.SIGTERM)
                signal.pause()
            self._redis.rpush(DEAF, "heard")

    def style_parameters(self, style: Picture) -> StyleParameters:  # noqa: ARG002 - the interface of a model
        return np.zeros(1, np.float32)

    def group(self, height: int, width: int) -> tuple[int, int]:
        return height, width

    def paint(
        self,
        contents: Sequence[Picture],
        parameters: Sequence[StyleParameters],  # noqa: ARG002
    ) -> Sequence[Picture]:
        self._redis.rpush(CALLS, "")
        if not self._redis.exists(ALWAYS_OPEN):
            said = self._redis.blpop([OPEN], PATIENCE_SECONDS)
            if said and said[1] == GONE:
                raise ModelUnavailable("It is gone.")
        return contents


app = create_worker(
    settings_or_exit(),
    partial(Assembly, load_model=SlowModel, decoder_module="tests.files.treacherous_decoder"),
)
