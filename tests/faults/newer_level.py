"""What a newer version of the service would say of the levels."""

from __future__ import annotations

from shared.wire.record_version import LEVEL

NEWER_LEVEL = LEVEL + 1
SINCE = {"output.quality": NEWER_LEVEL}
