"""Reasons why a set of supervised programs cannot start or go on."""

from __future__ import annotations

from shared.errors import StyleQueueError


class StackError(StyleQueueError):
    """The programs cannot start or go on; the supervisor stops all that it started."""

    code = "local-stack-failed"


class PartDied(StackError):
    """A part ended that must not end; `detail` shows the end of its log."""

    code = "local-part-died"
