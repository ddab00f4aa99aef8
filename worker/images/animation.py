"""Decides whether the first frame of an animation may stand for it."""

from __future__ import annotations

from collections.abc import Iterable

from shared.errors import ImageAnimated
from shared.wire.params import Params
from shared.wire.records import JobWarning

WARNING = JobWarning(code=ImageAnimated.code, detail="The file is an animation; its first frame was painted")


def check_animation(warnings: Iterable[JobWarning], params: Params) -> None:
    """Check a decoded file's warnings.

    Raises:
        ImageAnimated: the file is an animation, and the job wants none.
    """
    if params.animation == "refuse" and WARNING in warnings:
        raise ImageAnimated("The file is an animation, and params.animation is 'refuse'")
