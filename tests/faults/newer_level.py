"""The levels of a newer version of the service."""

from __future__ import annotations

from shared.wire.record_version import LEVEL

NEWER_LEVEL = LEVEL + 1
SINCE = {"output.quality": NEWER_LEVEL}
