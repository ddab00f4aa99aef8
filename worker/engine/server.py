"""The engine's side of the connections: each has a thread, and all of them share the model."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import structlog

from shared.errors import StyleQueueError
from shared.wire.records import EngineState
from worker.channel import close, receive, receive_with_files, send
from worker.engine.gate import Gate
from worker.engine.losses import measured
from worker.engine.wire import (
    ANSWER,
    BEGUN,
    DONE,
    FACTS,
    FAILED,
    FILES,
    FRACTION,
    LOSSES,
    PAINT,
    REQUEST,
    SECONDS,
    SPENT,
    STATE,
    STEP,
    EngineFacts,
    pack_arrays,
    unpack_arrays,
)
from worker.images.arrays import Picture
from worker.images.slabs import read_picture, write_picture
from worker.model.bands.limits import PictureRows
from worker.model.batched_model import BatchedModel
from worker.model.lazy import Lazily
from worker.painting.original import Original
from worker.telemetry.device_time import device_seconds
from worker.telemetry.gpu import GpuFacts


class EngineServer:
    """Serves the hands of one device."""

    def __init__(
        self, model: BatchedModel, original: Lazily[Original], gpu: Callable[[], GpuFacts | None]
    ) -> None:
        self._model = model
        self._original = original
        self._gpu = gpu
        self._gate = Gate()  # a job that may have killed an engine runs alone here too
        self._begun_at: dict[int, float] = {}  # by thread
        self._connections = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return the number of connections."""
        return self._connections

    def longest_call_seconds(self) -> float:
        """Return the age of the oldest request that is being worked on."""
        return time.monotonic() - min(list(self._begun_at.values()), default=time.monotonic())

    def accept(self, listener: socket.socket) -> None:
        """Wait for a connection, and serve it in a thread until the hand is gone."""
        channel, _ = listener.accept()
        with self._lock:
            self._connections += 1
        threading.Thread(target=self._serve, args=(channel,), name="hand", daemon=True).start()

    def _serve(self, channel: socket.socket) -> None:
        model = self._model
        facts = EngineFacts(
            model.handle, model.digest, model.device, model.can_blend, model.memory_bytes, model.max_pixels
        )
        try:
            with channel, suppress(EOFError, ConnectionError):
                _send(channel, FACTS, facts.to_json())
                while True:
                    self._serve_one(channel)
        finally:
            with self._lock:
                self._connections -= 1

    def _serve_one(self, channel: socket.socket) -> None:
        head, files = receive_with_files(channel, REQUEST.size, FILES)
        try:
            kind, alone, height, width, length = REQUEST.unpack(head)
            payload = bytes(receive(channel.fileno(), length))
            if kind == STATE:
                spent, answer, rest = b"", DONE, self._state()
            else:
                with self._gate.entered(alone=alone), self._begun():
                    _send(channel, BEGUN)
                    before = device_seconds()
                    answer, rest = self._answer(channel, kind, payload, (height, width), files)
                    spent = _message(SPENT, SECONDS.pack(device_seconds() - before))
        finally:
            close(files)
        send(channel.fileno(), spent + _message(answer, rest))

    def _answer(
        self, channel: socket.socket, kind: bytes, payload: bytes, size: tuple[int, int], files: list[int]
    ) -> tuple[bytes, bytes]:
        try:
            if kind == PAINT:
                self._paint(channel, payload, size, files)
                return DONE, b""
            if kind == LOSSES:
                return DONE, measured(self._original.get(), payload)
            (style,) = unpack_arrays(payload)
            return DONE, pack_arrays([self._model.style_parameters(style)])
        except ConnectionError:  # the hand gave the job up
            raise
        except StyleQueueError as error:
            return FAILED, f"{error.code}\n{error.detail}".encode()
        except (
            Exception,
            SystemExit,
        ) as error:  # SystemExit would end the thread, and cost the hand its slot
            structlog.get_logger().error("request failed", exc_info=error)
            return FAILED, f"internal-error\n{type(error).__name__}".encode()

    def _paint(self, channel: socket.socket, payload: bytes, size: tuple[int, int], files: list[int]) -> None:
        (source, result), (height, width) = files, size
        (parameters,) = unpack_arrays(payload)

        def read(first: int, end: int) -> Picture:
            return read_picture(source, end - first, width, first)

        def write(first: int, pixels: Picture) -> None:
            write_picture(result, pixels, first)

        def seen(fraction: float) -> None:
            self._begun_at[threading.get_ident()] = time.monotonic()  # it does not hang
            _send(channel, STEP, FRACTION.pack(fraction))

        self._model.paint_rows(PictureRows(height, width, read, write), parameters, seen)

    def _state(self) -> bytes:
        state = EngineState(waiting=self._model.waiting)
        if gpu := self._gpu():
            state = EngineState(
                waiting=state.waiting,
                gpu=gpu.name,
                gpu_memory_used_bytes=gpu.memory_used_bytes,
                gpu_memory_total_bytes=gpu.memory_total_bytes,
                gpu_utilization=gpu.utilization,
            )
        return state.model_dump_json().encode()

    @contextmanager
    def _begun(self) -> Iterator[None]:
        thread = threading.get_ident()
        self._begun_at[thread] = time.monotonic()
        try:
            yield
        finally:
            del self._begun_at[thread]


def _send(channel: socket.socket, kind: bytes, rest: bytes = b"") -> None:
    send(channel.fileno(), _message(kind, rest))


def _message(kind: bytes, rest: bytes) -> bytes:
    return ANSWER.pack(kind, len(rest)) + rest
