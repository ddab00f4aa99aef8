"""An API of a newer version: only workers of the next level know what `quality` means."""

from __future__ import annotations

from shared.wire import record_version as levels
from tests.faults.stand_ins.newer_level import SINCE

levels.SINCE = {**levels.SINCE, **SINCE}

from api.wsgi import app  # noqa: E402 - it is another version before it serves

__all__ = ["app"]
