"""The belongings of a photograph: what its file has beside the pixels, as far as its job keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from shared.wire.descriptors import Output
from worker.images.arrays import Alpha
from worker.images.metadata.fields import Metadata


class Keep(IntFlag):
    """The belongings that a decoder hands on."""

    NOTHING = 0
    METADATA = 1
    PLACE = 2  # with the metadata
    PROFILE = 4
    ALPHA = 8


@dataclass(frozen=True)
class Belongings:
    """The belongings that a file has and its job keeps."""

    metadata: Metadata | None = None
    profile: bytes | None = None  # an ICC profile of RGB colors, into which LittleCMS can convert
    alpha: Alpha | None = None


NOTHING = Belongings()


def kept_by(output: Output) -> Keep:
    """Return what a job with this output keeps."""
    keep = Keep.NOTHING
    if output.metadata != "none":
        keep |= Keep.METADATA
    if output.metadata == "keep-all":
        keep |= Keep.PLACE
    if output.icc == "keep":
        keep |= Keep.PROFILE
    if output.alpha == "keep":
        keep |= Keep.ALPHA
    return keep
