"""`celery -A worker.app worker`: a hand of an engine, or a worker that loads its own model."""

from __future__ import annotations

from functools import partial

from shared.settings import settings_or_exit
from worker.assembly import Assembly
from worker.celery_worker import create_worker
from worker.model.loading import load_model, load_original

app = create_worker(settings_or_exit(), partial(Assembly, load_model=load_model, load_original=load_original))
