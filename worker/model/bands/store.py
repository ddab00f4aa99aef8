"""Keeps the rows of layers between two stages, in memory or in a file without a name."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from shared.errors import OutOfMemory
from worker.model.bands.values import Band, Layer

Rows = np.ndarray[Any, Any]


class Stored(Protocol):
    """The rows of one layer, written from the first to the last."""

    def write(self, rows: Rows) -> None:
        """Add rows [1, rows, width, channels] below the ones written before."""

    def read(self, band: Band) -> Rows:
        """Return rows that were written."""

    def forget_before(self, row: int) -> None:
        """Give up the memory of rows that nobody will read again."""

    def close(self) -> None: ...


class InMemory:
    """Rows as they were written, band by band, so that each band's memory can be given up alone."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, Rows]] = []  # the first row of each, and its rows
        self._end = 0

    def write(self, rows: Rows) -> None:
        self._parts.append((self._end, rows))
        self._end += rows.shape[1]

    def read(self, band: Band) -> Rows:
        found = [
            rows[:, max(0, band.begin - first) : band.end - first]
            for first, rows in self._parts
            if first < band.end and first + rows.shape[1] > band.begin
        ]
        return found[0] if len(found) == 1 else np.concatenate(found, 1)

    def forget_before(self, row: int) -> None:
        while self._parts and self._parts[0][0] + self._parts[0][1].shape[1] <= row:
            del self._parts[0]

    def close(self) -> None:
        self._parts.clear()


class InFile:
    """Rows in a file that the system removes when it is closed, or when the process ends.

    It is read and written by calls, not mapped, so that its pages do not count as this process's memory.
    """

    def __init__(self, folder: Path | None, layer: Layer, kind: type[np.generic]) -> None:
        self._file = tempfile.TemporaryFile(prefix="stylequeue-bands-", dir=folder, buffering=0)  # noqa: SIM115
        self._row = layer.width, layer.channels
        self._kind = np.dtype(kind)
        self._row_bytes = layer.width * layer.channels * self._kind.itemsize
        self._written = 0

    def write(self, rows: Rows) -> None:
        """Add rows.

        Raises:
            OutOfMemory: the disk is full.
        """
        rest = np.ascontiguousarray(rows).data.cast("B")
        try:
            while rest:
                count = os.pwrite(self._file.fileno(), rest, self._written)
                rest, self._written = rest[count:], self._written + count
        except OSError as error:
            reason = f"The folder for large pictures (scratch_dir) cannot be written: {error.strerror}"
            raise OutOfMemory(reason) from error

    def read(self, band: Band) -> Rows:
        rows = np.empty((1, len(band), *self._row), self._kind)
        rest, offset = rows.data.cast("B"), band.begin * self._row_bytes
        while rest:
            count = os.preadv(self._file.fileno(), [rest], offset)
            if not count:
                raise EOFError
            rest, offset = rest[count:], offset + count
        return rows

    def forget_before(self, row: int) -> None:
        """Keep the rows: the file ends with the layer."""

    def close(self) -> None:
        self._file.close()


class Stores:
    """The stored layers of one picture."""

    def __init__(self, memory_bytes: int, folder: Path | None, *, half: bool) -> None:
        """At most `memory_bytes` stay in memory; other layers go into files in `folder`."""
        self._free_bytes = memory_bytes
        self._folder = folder
        self.kind: type[np.generic] = np.float16 if half else np.float32
        self._stored: dict[Layer, Stored] = {}

    def __getitem__(self, layer: Layer) -> Stored:
        return self._stored[layer]

    def layers(self) -> list[Layer]:
        return list(self._stored)

    def add(self, layer: Layer) -> None:
        in_memory = self._bytes(layer) <= self._free_bytes
        if in_memory:
            self._free_bytes -= self._bytes(layer)
        self._stored[layer] = InMemory() if in_memory else InFile(self._folder, layer, self.kind)

    def drop(self, layer: Layer) -> None:
        stored = self._stored.pop(layer)
        if isinstance(stored, InMemory):
            self._free_bytes += self._bytes(layer)
        stored.close()

    def close(self) -> None:
        for layer in self.layers():
            self.drop(layer)

    def _bytes(self, layer: Layer) -> int:
        return layer.size * np.dtype(self.kind).itemsize
