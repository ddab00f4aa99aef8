"""The subject of the benchmarks: the product with its defaults, and the model that both sides load."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from shared.settings import PREFIX, Settings
from worker.images.heap import HUGE_PAGES
from worker.layout import Layout, layout
from worker.model.embedded_model import EMBEDDED, embedded_model_path

FOREIGN = ("REDIS_URL", "S3_")  # the benchmarks always have their own Redis and S3


def environment() -> dict[str, str]:
    """Return this process' environment without settings that lead to other servers; model settings stay."""
    foreign = tuple(PREFIX + name for name in FOREIGN)
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def settings() -> Settings:
    return Settings.from_environment(environment())


@cache
def default_layout() -> Layout:
    """Return the processes and threads of a local stack without options."""
    return layout()


def worker_environment(index: int = 0) -> dict[str, str]:
    """Return the variables of engine number `index`, from 0, of a local stack."""
    return HUGE_PAGES | environment() | default_layout().engine_environment(index)


def model_handle() -> str:
    """Return the handle with which a notebook loads the workers' model; build the model if it is missing."""
    wanted = settings()
    if wanted.model == EMBEDDED:
        return str(embedded_model_path(wanted.cache_dir))
    folder = Path(wanted.model)
    return str(folder.absolute()) if folder.is_dir() else wanted.model
