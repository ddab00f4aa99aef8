"""The levels of a newer version of the service."""

from __future__ import annotations

from shared.wire.record_version import RECORD_VERSION

NEWER_VERSION = RECORD_VERSION + 1
SINCE = {"output.quality": NEWER_VERSION}
