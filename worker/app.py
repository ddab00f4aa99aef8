"""`celery -A worker.app worker`: loads and warms the model once, before the first job."""

from __future__ import annotations

from functools import partial

from shared.settings import Settings, settings_or_exit
from worker.assembly import Assembly
from worker.celery_worker import create_worker
from worker.images.heap import use_system_allocator
from worker.model.batched_model import Model
from worker.painting.painter import Original


def load_model(settings: Settings) -> Model:
    use_system_allocator()
    # Imported here because it imports TensorFlow, which a process that forks must not have, and which
    # commands like `celery inspect` do not need.
    from worker.model.stylizer import Stylizer, use_threads  # noqa: PLC0415

    use_threads(settings.intra_op_threads)
    stylizer = Stylizer(settings.model, settings.cache_dir, settings.precision)
    stylizer.warm_up()
    return stylizer


def load_original(settings: Settings) -> Original:
    from worker.model.gatys.method import OriginalMethod  # noqa: PLC0415 - TensorFlow, as above

    return OriginalMethod(settings.vgg)


app = create_worker(settings_or_exit(), partial(Assembly, load_model=load_model, load_original=load_original))
