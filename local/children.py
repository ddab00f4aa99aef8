"""The environment of the stack's Python programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from local.ports import LOOPBACK
from shared.settings import PREFIX, Settings
from worker.model.embedded_model import EMBEDDED
from worker.model.gatys.vgg_weights import EMBEDDED as EMBEDDED_VGG
from worker.model.gatys.vgg_weights import IMAGENET
from worker.model.hub_cache import VARIABLE as HUB_CACHE

HANDLES = {EMBEDDED, EMBEDDED_VGG, IMAGENET}  # words that are not paths
PROJECT = Path(__file__).resolve().parents[1]  # the checkout, or site-packages


def absolute_paths(settings: Settings) -> Settings:
    """Make paths in the settings absolute, because the programs run in the data folder."""
    return settings.model_copy(
        update={
            "cache_dir": settings.cache_dir.absolute(),
            "model": _absolute(settings.model),
            "vgg": _absolute(settings.vgg),
        }
    )


def _absolute(handle: str) -> str:
    """Make a handle absolute if it is a path; a word like 'embedded' stays, whatever folders there are."""
    path = Path(handle)
    return str(path.absolute()) if path.exists() and handle not in HANDLES else handle


def environment_of(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the settings as variables.

    Our packages come before others of the same name, and local addresses use no proxy.
    """
    others = {name: value for name, value in inherited.items() if not name.startswith(PREFIX)}
    direct = f"{LOOPBACK},localhost"
    changed = {
        "PYTHONPATH": _joined(str(PROJECT), inherited.get("PYTHONPATH"), ":"),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": _joined(direct, inherited.get("NO_PROXY"), ","),
        "no_proxy": _joined(direct, inherited.get("no_proxy"), ","),
    }
    if inherited.get(HUB_CACHE):
        changed[HUB_CACHE] = str(Path(inherited[HUB_CACHE]).absolute())
    return others | changed | settings.to_environment()


def _joined(own: str, given: str | None, separator: str) -> str:
    return f"{own}{separator}{given}" if given else own
