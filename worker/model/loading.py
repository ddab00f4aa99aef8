"""Loads the models; only these calls import TensorFlow, because hands and commands do without it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from shared.settings import Settings
from worker.images.heap import use_system_allocator
from worker.model.batched_model import Model
from worker.model.mixed_sizes.kept import keep_compiled
from worker.painting.original import Original
from worker.telemetry.gpu import gpu_facts


def load_model(settings: Settings, calls_at_once: int = 1) -> Model:
    use_system_allocator()
    if gpu := gpu_facts():  # on CPUs nothing is compiled
        keep_compiled(settings.cache_dir, gpu.name)
    with _objects_that_stay():
        from worker.model.stylizer import Stylizer, use_threads  # noqa: PLC0415 - TensorFlow

        use_threads(settings.intra_op_threads, calls_at_once)
        stylizer = Stylizer(settings.model, settings.cache_dir, settings.precision)
        stylizer.warm_up()
    return stylizer


def load_original(settings: Settings) -> Original:
    from worker.model.gatys.method import OriginalMethod  # noqa: PLC0415 - TensorFlow

    return OriginalMethod(settings.vgg)


@contextmanager
def _objects_that_stay() -> Iterator[None]:
    """Keep the garbage collector away from the objects of TensorFlow and the model.

    Walking them takes a quarter of the import's time, and at every later collection stops all threads. The
    garbage among them, a few MB, stays too.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
