"""Pictures in shared memory, which other processes read and write by a file descriptor.

A slab has no name, so the system frees it when the last process that holds it ends. Its size is sealed: a
process that has the descriptor cannot shrink it under the mapping of another. Pages that nobody has written
take no memory.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import tempfile
import weakref
from functools import cache
from typing import Any

import numpy as np

from worker.images.arrays import Picture

KEPT_BYTES = 8 << 20  # of a slab that is not in use; the rest goes back to the system
LARGEST_STYLE_PIXELS = 1024 * 1024  # the least room in a slab, for styles
CHANNELS = 3


class Slab:
    """Room for one picture; `file` is its descriptor, and is closed with the object."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.file = _anonymous_file(size_bytes)
        self._memory = mmap.mmap(self.file, size_bytes)

    def __del__(self) -> None:
        os.close(self.file)

    def lend(self, height: int, width: int) -> tuple[Picture, Any]:
        """Return a picture of this memory, and an object that lives as long as any view of the picture."""
        pixels = _pixels_type(self.size_bytes).from_buffer(self._memory)
        pixels.slab = self
        size = height * width * CHANNELS
        return np.frombuffer(pixels, np.uint8, size).reshape(height, width, CHANNELS), pixels

    def give_back(self) -> None:
        """Return the memory beyond KEPT_BYTES to the system."""
        if hasattr(mmap, "MADV_REMOVE") and self.size_bytes > KEPT_BYTES:
            self._memory.madvise(mmap.MADV_REMOVE, KEPT_BYTES, self.size_bytes - KEPT_BYTES)


class Slabs:
    """Slabs that are used again. Each is lent as a picture, and comes back when nothing refers to that."""

    def __init__(self, max_pixels: int) -> None:
        self._size_bytes = max(max_pixels, LARGEST_STYLE_PIXELS) * CHANNELS
        self._idle: list[Slab] = []

    def take(self) -> Slab:
        """Return a slab; only a call of `picture` brings it back."""
        try:
            return self._idle.pop()
        except IndexError:
            return Slab(self._size_bytes)

    def put_back(self, slab: Slab) -> None:
        self._idle.append(slab)

    def picture(self, slab: Slab, height: int, width: int) -> Picture:
        """Return the slab's memory as a picture.

        Raises:
            ValueError: the picture is larger than a slab.
        """
        picture, pixels = slab.lend(height, width)
        weakref.finalize(pixels, self._take_back, slab, picture.nbytes).atexit = False
        return picture

    def held(self, picture: Picture) -> tuple[Picture, Slab]:
        """Return the picture in a slab, and that slab. A picture that lies elsewhere is copied."""
        if slab := slab_of(picture):
            return picture, slab
        slab = self.take()
        held = self.picture(slab, *picture.shape[:2])
        held[:] = picture
        return held, slab

    def _take_back(self, slab: Slab, used_bytes: int) -> None:
        if used_bytes > KEPT_BYTES:
            slab.give_back()
        self._idle.append(slab)


def slab_of(picture: Picture) -> Slab | None:
    """Return the slab that holds the picture from its first byte on, if there is one."""
    base: Any = picture.base
    while isinstance(base, np.ndarray):
        base = base.base
    if not isinstance(base, _Pixels) or not picture.flags.c_contiguous:
        return None
    return base.slab if picture.ctypes.data == ctypes.addressof(base) else None


def write_picture(file: int, picture: Picture, first_row: int = 0) -> None:
    """Write a picture, or rows of one from `first_row` on, into the slab of another process.

    Raises:
        OSError: the slab is too small.
    """
    rest = np.ascontiguousarray(picture).data.cast("B")
    offset = first_row * picture.shape[1] * CHANNELS
    while rest:
        count = os.pwrite(file, rest, offset)
        rest, offset = rest[count:], offset + count


def read_picture(file: int, height: int, width: int, first_row: int = 0) -> Picture:
    """Copy a picture, or rows of one, from the slab of another process, which may change it at any time.

    Raises:
        EOFError: the slab is too small.
    """
    picture = np.empty((height, width, CHANNELS), np.uint8)
    rest, offset = picture.data.cast("B"), first_row * width * CHANNELS
    while rest:
        count = os.preadv(file, [rest], offset)
        if not count:
            raise EOFError
        rest, offset = rest[count:], offset + count
    return picture


class _Pixels(ctypes.Array[Any]):
    """The memory that a picture refers to. Unlike a `memoryview`, it stays the base of every view."""

    _type_ = ctypes.c_ubyte
    _length_ = 0
    slab: Slab


@cache
def _pixels_type(size_bytes: int) -> Any:
    return type("_PixelsOfASlab", (_Pixels,), {"_type_": ctypes.c_ubyte, "_length_": size_bytes})


def _anonymous_file(size_bytes: int) -> int:
    if not hasattr(os, "memfd_create"):  # not Linux
        with tempfile.TemporaryFile() as unnamed:
            unnamed.truncate(size_bytes)
            return os.dup(unnamed.fileno())
    file = os.memfd_create("stylequeue-picture", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(file, size_bytes)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return file
