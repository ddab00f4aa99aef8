"""Decodes files in separate processes, so that a file that harms its decoder harms only its job."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import structlog

from worker.images.arrays import Picture
from worker.images.belongings import Keep
from worker.images.codec import Decoded
from worker.images.decoder import DECODE_BYTES_PER_PIXEL
from worker.images.decoder_process import DecoderProcess
from worker.images.headers import ImageLimits
from worker.model.memory import PictureMemory

DECODER = "worker.images.decoder"


class Decoders:
    """A pool with one process for each thread that decodes; a dead process is replaced."""

    def __init__(
        self, limits: ImageLimits, timeout_seconds: float, memory: PictureMemory, module: str = DECODER
    ) -> None:
        """`module` is run by `python -m`; no process starts before it is needed."""
        self._limits = limits
        self._timeout_seconds = timeout_seconds
        self._memory = memory
        self._module = module
        self._idle: list[DecoderProcess] = []
        self._lock = threading.Lock()
        self._closed = False

    def start(self) -> None:
        """Start the first process, so that no job waits for it.

        Raises:
            DecoderUnavailable: it does not start.
        """
        with self._process():
            pass

    def decode(self, file: bytes, longest_side: int, keep: Keep = Keep.NOTHING) -> Decoded:
        """Decode like codec.decode_content.

        Raises:
            ImageUndecodable: the decoder crashed, or took too long.
            DecoderUnavailable, OutOfMemory: decoding is not possible now.
            PermanentError: as codec.decode_content.
        """
        with self._process() as process:
            return process.decode(file, longest_side, self._reserved, keep)

    def painted_in(self, profile: bytes, picture: Picture) -> Picture:
        """Convert a picture like codec.painted_in; raise the errors of `decode`."""
        with self._process() as process:
            return process.painted_in(profile, picture, self._reserved)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()

    def _reserved(self, pixels: int) -> AbstractContextManager[object]:
        return self._memory.reserved(pixels * DECODE_BYTES_PER_PIXEL)

    @contextmanager
    def _process(self) -> Iterator[DecoderProcess]:
        """Yield the process that was used last, whose memory is warm, or a new one."""
        with self._lock:
            process = self._idle.pop() if self._idle else None
        process = process or DecoderProcess(self._module, self._limits, self._timeout_seconds)
        try:
            yield process
        finally:
            with self._lock:
                keep = process.usable and not self._closed
                if keep:
                    self._idle.append(process)
            if not keep:
                process.close()
                structlog.get_logger().warning("decoder replaced", pid=process.pid)
