"""Describes a picture that is painted in bands, and the limits of that. No TensorFlow in here."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from worker.images.arrays import Picture, StyleParameters

MOST_BAND_PIXELS = 1_000_000  # larger bands were no faster on a CPU, and smaller pictures wait for one
LEAST_BAND_PIXELS = 16_384
BAND_SHARE = 0.5  # of a call's memory; the rest is for stored layers

Seen = Callable[[float], None]  # gets the fraction that is done; what it raises ends the painting


def unseen(_: float) -> None:
    """Ignore the fraction."""


@dataclass(frozen=True)
class PictureRows:
    """A picture that is read, and one of its shape that is written, some rows at a time."""

    height: int
    width: int
    read: Callable[[int, int], Picture]  # from a first row to before a last one
    write: Callable[[int, Picture], None]  # at a first row


@dataclass(frozen=True)
class Scratch:
    """Files for what the memory does not hold. They have no names, so that they end with the process."""

    folder: Path | None = None  # None is the system's
    most_bytes: int = 0  # for one picture


@dataclass(frozen=True)
class BandLimits:
    """Limits of one picture's bands."""

    band_pixels: int  # of the picture
    memory_bytes: int  # for stored layers; the others go into files
    folder: Path | None = None

    @classmethod
    def within(cls, memory_bytes: int, bytes_per_pixel: int, scratch: Scratch) -> BandLimits:
        """Return the limits for a call with so much memory; a band takes `bytes_per_pixel`."""
        fitting = int(memory_bytes * BAND_SHARE) // bytes_per_pixel
        band_pixels = max(LEAST_BAND_PIXELS, min(MOST_BAND_PIXELS, fitting))
        return cls(band_pixels, max(0, memory_bytes - band_pixels * bytes_per_pixel), scratch.folder)


class Bands(Protocol):
    """Paints a picture of any size in bands of rows; the result is that of the whole picture."""

    at_once_pixels: int  # a picture of more is painted in bands, even if the memory holds it

    @property
    def stored_bytes_per_pixel(self) -> float: ...

    def steps(self, rows: PictureRows, parameters: StyleParameters, limits: BandLimits) -> Generator[float]:
        """Paint a picture; after each band yield the fraction that is done.

        Raises:
            OutOfMemory, StylizationFailed: as `Model.paint`.
        """
