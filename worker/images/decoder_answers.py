"""Reads what a decoder process sends for one order. It may be under the control of a hostile file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pydantic import ValidationError

from shared.errors import (
    ImageAnimated,
    ImageTooLarge,
    ImageTooNarrow,
    ImageTooSmall,
    ImageUndecodable,
    OutOfMemory,
    SourceTooLarge,
    StyleQueueError,
)
from shared.wire.records import JobWarning
from worker.channel import receive, send
from worker.images.arrays import Alpha
from worker.images.belongings import Belongings, Keep
from worker.images.colors import MAX_KEPT_PROFILE_BYTES
from worker.images.decoder_wire import (
    ALPHA,
    ANSWER,
    GO,
    METADATA,
    PICTURE,
    PROFILE,
    REFUSED,
    SIZE,
    SOURCE,
    WARNED,
)
from worker.images.metadata.fields import Metadata

REFUSALS: dict[str, type[StyleQueueError]] = {
    error.code: error
    for error in (
        *(ImageAnimated, ImageTooLarge, ImageTooNarrow, ImageTooSmall, ImageUndecodable),
        *(OutOfMemory, SourceTooLarge),
    )
}
MAX_TEXT_BYTES = 10_000  # of an error or a warning
MAX_WARNINGS = 10
MAX_METADATA_BYTES = 200_000  # in JSON; the limits of Metadata allow for about half of that


class Answers:
    """The content of all that a decoder sends for one order."""

    def __init__(self, channel: int, keep: Keep, max_pixels: int) -> None:
        """`keep` is what the order keeps; a decoder that sends anything else breaks the protocol."""
        self._channel = channel
        self._keep = keep
        self._max_pixels = max_pixels
        self._metadata: Metadata | None = None
        self._profile: bytes | None = None
        self._alpha: Alpha | None = None
        self.warnings: list[JobWarning] = []
        self.source_size: tuple[int, int] | None = None
        self.refusal: StyleQueueError | None = None

    @property
    def belongings(self) -> Belongings:
        return Belongings(self._metadata, self._profile, self._alpha)

    def read(self, reserve: Callable[[int], object]) -> tuple[int, int]:
        """Read to the end; return width and height of the picture, or 0, 0 if there is a refusal.

        Raises:
            ImageUndecodable: the decoder breaks the protocol.
            EOFError, ConnectionError: the decoder is gone.
        """
        while True:
            what, one, other = ANSWER.unpack(receive(self._channel, ANSWER.size))
            if what == SIZE:
                reserve(one * other)
                send(self._channel, GO)
            elif what == SOURCE:
                self.source_size = (one, other)
            elif what == WARNED and len(self.warnings) < MAX_WARNINGS:
                code, detail = self._texts(one, other)
                self.warnings.append(JobWarning(code=code, detail=detail))
            elif what == REFUSED:
                code, detail = self._texts(one, other)
                self.refusal = REFUSALS.get(code, ImageUndecodable)(detail)
                return 0, 0
            elif what == PICTURE and self._alpha_has_size(one, other):
                return one, other
            else:
                self._read_belonging(what, one, other)

    def _read_belonging(self, what: bytes, one: int, other: int) -> None:
        if what == METADATA and Keep.METADATA in self._keep and one <= MAX_METADATA_BYTES:
            self._metadata = _checked(receive(self._channel, one))
        elif what == PROFILE and Keep.PROFILE in self._keep and one <= MAX_KEPT_PROFILE_BYTES:
            self._profile = bytes(receive(self._channel, one))
        elif what == ALPHA and Keep.ALPHA in self._keep and one * other <= self._max_pixels:
            levels = receive(self._channel, one * other)
            self._alpha = np.frombuffer(levels, np.uint8).reshape(other, one)
        else:
            raise nonsense()

    def _alpha_has_size(self, width: int, height: int) -> bool:
        return self._alpha is None or self._alpha.shape == (height, width)

    def _texts(self, *sizes: int) -> list[str]:
        if sum(sizes) > MAX_TEXT_BYTES:
            raise nonsense()
        return [receive(self._channel, size).decode(errors="replace") for size in sizes]


def nonsense() -> ImageUndecodable:
    """Return the error for an answer that breaks the protocol."""
    return ImageUndecodable("The decoder sent an invalid answer for this file")


def _checked(metadata: bytearray) -> Metadata:
    try:
        return Metadata.model_validate_json(bytes(metadata))
    except ValidationError:
        raise nonsense() from None
