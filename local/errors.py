"""Why a local stack cannot start or go on."""

from __future__ import annotations

from shared.errors import StyleQueueError


class StackError(StyleQueueError):
    """The local stack cannot start or go on; everything that it started is stopped."""

    code = "local-stack-failed"


class PartDied(StackError):
    """A part ended that must not; `detail` shows the end of its log."""

    code = "local-part-died"
