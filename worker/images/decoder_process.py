"""The worker's side of one decoder process: starts it, sends it files, and explains its death."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict

from shared.errors import (
    DecoderUnavailable,
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
from worker.channel import receive, send, send_with_files
from worker.images.arrays import Picture
from worker.images.codec import Decoded
from worker.images.decoder_wire import (
    ANSWER,
    GO,
    ORDER,
    PICTURE,
    REFUSED,
    SIZE,
    SOURCE,
    STYLE,
    WARNED,
)
from worker.images.headers import ImageLimits
from worker.images.slabs import Slab, Slabs

Reserve = Callable[[int], AbstractContextManager[object]]  # waits for the memory of so many pixels

REFUSALS: dict[str, type[StyleQueueError]] = {
    error.code: error
    for error in (
        *(ImageAnimated, ImageTooLarge, ImageTooNarrow, ImageTooSmall, ImageUndecodable),
        *(OutOfMemory, SourceTooLarge),
    )
}
MAX_TEXT_BYTES = 10_000  # of an error or a warning
MAX_WARNINGS = 10
STDERR = 2
# These variables find Python and its libraries; the keys for Redis and S3 stay here.
INHERITED = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
# glibc keeps this memory for the next picture; getting new pages each time costs more than the decoding.
KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "32000000", "MALLOC_TRIM_THRESHOLD_": "64000000"}


class DecoderProcess:
    """A decoder for one thread at a time. It ends when its input ends, so soon after this process."""

    def __init__(self, module: str, limits: ImageLimits, timeout_seconds: float) -> None:
        """Start the process.

        Raises:
            DecoderUnavailable: it does not start.
        """
        self._timeout_seconds = timeout_seconds
        self.usable = True  # no answer is outstanding
        self._slabs = Slabs(
            limits.max_pixels
        )  # of its own: a decoder under foreign control reaches no others
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self._channel, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", module, json.dumps(asdict(limits)), str(timeout_seconds)],
                    stdin=theirs.fileno(),
                    stdout=STDERR,  # a library's prints go to the log
                    env=environment | ONE_THREAD | KEPT_MEMORY,
                )
            receive(self._channel.fileno(), ANSWER.size)
        except (OSError, EOFError) as error:
            raise DecoderUnavailable("No decoder process can be started now") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def decode(self, kind: bytes, file: bytes, side: int, reserve: Reserve) -> Decoded:
        """Decode like codec.decode_content (CONTENT) or codec.decode_style (STYLE).

        Raises:
            ImageUndecodable: the decoder crashed, or took longer than `timeout_seconds`.
            OutOfMemory: the kernel ended the decoder.
            StyleQueueError: the decoder reported it, as `codec` raises it.
        """
        self.usable = False
        slab = self._slabs.take()
        try:
            send_with_files(self._channel, [slab.file], ORDER.pack(kind, side, len(file)), file)
            with ExitStack() as memory:
                return self._result(kind, side, slab, lambda pixels: memory.enter_context(reserve(pixels)))
        except (ConnectionError, EOFError) as error:
            raise self._death() from error

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._channel.close()

    def _result(self, kind: bytes, side: int, slab: Slab, reserve: Callable[[int], object]) -> Decoded:
        warnings: list[JobWarning] = []
        source_size = None
        while True:
            what, one, other = ANSWER.unpack(receive(self._channel.fileno(), ANSWER.size))
            if what == SIZE:
                reserve(one * other)
                send(self._channel.fileno(), GO)
            elif what == SOURCE:
                source_size = (one, other)
            elif what == WARNED and len(warnings) < MAX_WARNINGS:
                code, detail = self._texts(one, other)
                warnings.append(JobWarning(code=code, detail=detail))
            elif what == PICTURE:
                return Decoded(self._picture(kind, side, slab, one, other), tuple(warnings), source_size)
            elif what == REFUSED:
                self._slabs.put_back(slab)
                raise self._refusal(one, other)
            else:
                raise _nonsense()

    def _picture(self, kind: bytes, side: int, slab: Slab, width: int, height: int) -> Picture:
        longest = max(width, height)
        if longest > side or min(width, height) < 1 or (kind == STYLE and width != height):
            raise _nonsense()
        try:
            picture = self._slabs.picture(slab, height, width)
        except ValueError:  # larger than any picture within the limits
            raise _nonsense() from None
        self.usable = True
        return picture

    def _refusal(self, code_bytes: int, detail_bytes: int) -> StyleQueueError:
        code, detail = self._texts(code_bytes, detail_bytes)
        self.usable = True
        return REFUSALS.get(code, ImageUndecodable)(detail)

    def _texts(self, *sizes: int) -> list[str]:
        if sum(sizes) > MAX_TEXT_BYTES:
            raise _nonsense()
        return [receive(self._channel.fileno(), size).decode(errors="replace") for size in sizes]

    def _death(self) -> StyleQueueError:
        """Return the error for a process that closed its pipes, by the signal that ended it."""
        self._process.kill()  # without effect on a dead one; only a broken one still lives with closed pipes
        match -self._process.wait():
            case signal.SIGALRM:
                limit = f"{self._timeout_seconds:g} s (decode_timeout_seconds)"
                return ImageUndecodable(f"Decoding the file took longer than {limit}")
            case signal.SIGKILL:
                return OutOfMemory("The system ended the decoder, as it does when memory runs out")
            case number if number in tuple(signal.Signals):
                return ImageUndecodable(f"The decoder crashed on this file ({signal.Signals(number).name})")
        return ImageUndecodable("The decoder stopped unexpectedly on this file")


def _nonsense() -> ImageUndecodable:
    return ImageUndecodable("The decoder sent an invalid answer for this file")
