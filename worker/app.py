"""`celery -A worker.app worker`: the model is loaded and warmed once, before the first job is taken."""

from __future__ import annotations

from shared.settings import Settings, settings_or_exit
from worker.celery_worker import create_worker
from worker.pipeline import PictureStylizer


def load_stylizer(settings: Settings) -> PictureStylizer:
    """The stylizer around the configured model, warmed."""
    # Imported here and not above: this pulls in TensorFlow, which must not be in a process that forks, and
    # which `celery inspect` and the like have no use for.
    from worker.stylizer import Stylizer  # noqa: PLC0415

    stylizer = Stylizer(settings.model, settings.cache_dir)
    stylizer.warm_up()
    return stylizer


app = create_worker(settings_or_exit(), load_stylizer)
