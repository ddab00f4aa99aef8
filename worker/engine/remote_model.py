"""The model in a hand: each call goes to the engine, and no TensorFlow is imported."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from shared.errors import EngineLost, ModelUnavailable, PermanentError, TransientError
from shared.wire.records import EngineState
from worker.engine.connection import Connection, EngineAway
from worker.engine.wire import PAINT, STATE, STYLE, EngineFacts, pack_arrays, unpack_arrays
from worker.images.arrays import Picture, StyleParameters
from worker.images.slabs import Slabs
from worker.model.bands.limits import Seen, unseen

RETURN_SECONDS = 120.0  # for an engine that died to be there again
RETRY_SECONDS = 0.2
STATE_SECONDS = 1.0  # for an answer about its state: heartbeats go on when an engine hangs


class RemoteModel:
    """A model in another process of this host, for all threads of this one (`ModelCalls`)."""

    def __init__(self, path: Path, runs_alone: Callable[[], bool], max_pixels: int) -> None:
        """Wait until the engine is there.

        Args:
            path: of the engine's socket.
            runs_alone: whether the job that this process holds must be alone in the engine too.
            max_pixels: of a picture.
        """
        self._path = path
        self._runs_alone = runs_alone
        self._slabs = Slabs(max_pixels)
        self._local = threading.local()
        self._facts: EngineFacts | None = None
        facts = self._facts = self._connection(float("inf")).facts
        self.handle, self.digest, self.device = facts.handle, facts.digest, facts.device
        self.can_blend, self.memory_bytes, self.max_pixels = (
            facts.can_blend,
            facts.memory_bytes,
            facts.max_pixels,
        )

    def style_parameters(self, style: Picture) -> StyleParameters:
        """Compute the parameters of a style picture; raise the errors of `call`."""
        (parameters,) = unpack_arrays(self.call(STYLE, pack_arrays([style])))
        return np.asarray(parameters)

    def paint(self, content: Picture, parameters: StyleParameters, seen: Seen = unseen) -> Picture:
        """Return the stylized picture, in the content's shape; raise the errors of `call` and of `seen`."""
        content, source = self._slabs.held(content)
        result, (height, width, _) = self._slabs.take(), content.shape
        try:
            files = [source.file, result.file]
            self.call(PAINT, pack_arrays([parameters]), size=(height, width), files=files, seen=seen)
        except (TransientError, PermanentError):  # after LeaseLost the engine may still write into it
            self._slabs.put_back(result)
            raise
        return self._slabs.picture(result, height, width)

    def call(
        self,
        kind: bytes,
        payload: bytes,
        *,
        size: tuple[int, int] = (0, 0),
        files: Sequence[int] = (),
        seen: Seen = unseen,
    ) -> bytes:
        """Ask the engine. If it dies before it begins, ask the next one.

        Raises:
            EngineLost: the engine died while it worked on the request.
            ModelUnavailable: it was away for RETURN_SECONDS, or came back with another model.
            StyleQueueError: the engine raised it.
        """
        away_since: float | None = None
        while True:
            try:
                until = (away_since or time.monotonic()) + RETURN_SECONDS
                connection = self._connection(until)
                alone = self._runs_alone()
                return connection.ask(kind, payload, alone=alone, size=size, files=files, seen=seen)
            except EngineAway:
                self._local.connection = None
                away_since = away_since or time.monotonic()
            except EngineLost:
                self._local.connection = None
                raise

    def state(self) -> EngineState | None:
        """Return the engine's state now, or None if it does not respond at once."""
        try:
            with closing(Connection(self._path, STATE_SECONDS)) as connection:
                return EngineState.model_validate_json(connection.ask(STATE))
        except EngineAway:
            return None

    def _connection(self, until: float) -> Connection:
        """Return this thread's connection, or a new one as soon as there is an engine."""
        known: Connection | None = getattr(self._local, "connection", None)
        if known and not known.closed:
            return known
        connection = self._connected(until)
        if self._facts and _identity(connection.facts) != _identity(self._facts):
            connection.close()
            raise ModelUnavailable("The engine came back with another model")
        connection.limit_silence(0)
        self._local.connection = connection
        return connection

    def _connected(self, until: float) -> Connection:
        while True:
            try:
                seconds = 0.0 if until == float("inf") else max(RETRY_SECONDS, until - time.monotonic())
                return Connection(self._path, seconds)
            except EngineAway:
                if time.monotonic() > until:
                    detail = f"The engine has not come back within {RETURN_SECONDS:g} s"
                    raise ModelUnavailable(detail) from None
                time.sleep(RETRY_SECONDS)


def _identity(facts: EngineFacts) -> tuple[str, str | None, str]:
    return facts.handle, facts.digest, facts.device
