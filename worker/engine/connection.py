"""A hand's connection to its engine, for one thread."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Sequence
from pathlib import Path

from shared.errors import (
    EngineLost,
    ImageTooLarge,
    OutOfMemory,
    StyleQueueError,
    StylizationFailed,
    VggUnavailable,
)
from worker.channel import blocking, receive, send_with_files
from worker.engine.wire import (
    ANSWER,
    BEGUN,
    FACTS,
    FAILED,
    FRACTION,
    REQUEST,
    SECONDS,
    SPENT,
    STEP,
    EngineFacts,
)
from worker.model.bands.limits import Seen, unseen
from worker.telemetry.device_time import note_device_seconds

GONE = (EOFError, OSError)  # errors of a channel whose other side is gone, or silent for too long
ERRORS: dict[str, type[StyleQueueError]] = {
    error.code: error for error in (ImageTooLarge, OutOfMemory, StylizationFailed, VggUnavailable)
}


class EngineAway(Exception):
    """The engine died, or has not started, and had not begun with the request."""


class Connection:
    """Sends one request at a time."""

    def __init__(self, path: Path, seconds: float = 0) -> None:
        """Connect, and wait for the engine's greeting; with `seconds` no silence may be longer.

        Raises:
            EngineAway: there is no engine.
        """
        self._channel = socket.socket(socket.AF_UNIX)
        blocking(self._channel)
        self.closed = False
        self.limit_silence(seconds)
        try:
            self._channel.connect(str(path))
            kind, greeting = self._receive()
        except GONE as error:
            self.close()
            raise EngineAway from error
        if kind != FACTS:
            self.close()
            raise ValueError("The engine speaks another protocol")
        self.facts = EngineFacts(**json.loads(greeting))

    def limit_silence(self, seconds: float) -> None:
        """Limit the time of each read and write; 0 is no limit."""
        limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._channel.setsockopt(socket.SOL_SOCKET, option, limit)

    def close(self) -> None:
        self.closed = True
        self._channel.close()

    def ask(
        self,
        kind: bytes,
        payload: bytes = b"",
        *,
        alone: bool = False,
        size: tuple[int, int] = (0, 0),
        files: Sequence[int] = (),
        seen: Seen = unseen,
    ) -> bytes:
        """Return what follows DONE. After EngineAway, EngineLost and an error of `seen` it is closed.

        `seen` gets the fraction that is done after each band of a large picture.

        Raises:
            EngineAway: the engine died before it began; try again with another one.
            EngineLost: it died while it worked on the request.
            StyleQueueError: the engine raised it.
        """
        begun = False
        try:
            head = REQUEST.pack(kind, alone, *size, len(payload))
            send_with_files(self._channel, list(files), head, payload)
            answer, rest = self._receive()
            if answer == BEGUN:
                begun = True
                answer, rest = self._receive()
            while answer in (STEP, SPENT):
                if answer == STEP:
                    self._show(rest, seen)
                else:
                    note_device_seconds(*SECONDS.unpack(rest))
                answer, rest = self._receive()
        except GONE as error:
            self.close()
            if begun:
                raise EngineLost("The engine died while it worked on the picture") from error
            raise EngineAway from error
        if answer == FAILED:
            raise _error(rest)
        return rest

    def _show(self, rest: bytes, seen: Seen) -> None:
        """Call `seen`; if it raises, the engine has to stop, and learns of it by the closed connection."""
        try:
            seen(*FRACTION.unpack(rest))
        except BaseException:
            self.close()
            raise

    def _receive(self) -> tuple[bytes, bytes]:
        kind, size = ANSWER.unpack(receive(self._channel.fileno(), ANSWER.size))
        return kind, bytes(receive(self._channel.fileno(), size))


def _error(text: bytes) -> Exception:
    code, _, detail = text.decode().partition("\n")
    return ERRORS[code](detail) if code in ERRORS else RuntimeError(f"The engine failed: {detail}")
