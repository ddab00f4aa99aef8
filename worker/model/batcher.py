"""Groups waiting pictures into one call of the model.

A picture that finds a call free starts at once and alone. Pictures that arrive while all calls run have to
wait anyway. The next call takes the first of them, and all others of its group up to a number of pixels,
whatever their styles. The model says which sizes form a group. A band of a large
picture waits like a picture.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from shared.errors import OutOfMemory, StylizationFailed
from worker.images.arrays import Picture, StyleParameters
from worker.telemetry.device_time import note_device_seconds
from worker.telemetry.metrics import BATCH_SIZE

Paint = Callable[[Sequence[Picture], Sequence[StyleParameters]], Sequence[Picture]]
Group = Callable[[int, int], tuple[int, int]]  # from a height and a width to the size that is used


class _Turn:
    """A wait for a call, which nothing else shares."""

    pixels = 0

    def __init__(self) -> None:
        self.group: object = object()
        self.woken = threading.Event()  # set with the answer, or when this thread leads a batch
        self.batch: list[_Turn] = []  # led by this thread


class _Request(_Turn):
    """One picture on its way through the model."""

    def __init__(self, content: Picture, parameters: StyleParameters, size: tuple[int, int]) -> None:
        super().__init__()
        self.content = content
        self.parameters = parameters
        self.pixels = size[0] * size[1]
        self.group = size, parameters.shape
        self.answer: Picture | Exception | None = None
        self.device_seconds = 0.0  # its share of the calls in which it was

    def result(self) -> Picture:
        if isinstance(self.answer, np.ndarray):
            return self.answer
        raise self.answer or RuntimeError("the batch was left without an answer")


class Batcher:
    """Runs a few calls of the model at a time, in threads that wait for them."""

    def __init__(self, paint: Paint, group: Group, pixel_budget: int, calls_at_once: int = 1) -> None:
        self._paint = paint
        self._group = group
        self._pixel_budget = pixel_budget
        self._waiting: deque[_Turn] = deque()
        self._free_calls = calls_at_once
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    def paint(self, content: Picture, parameters: StyleParameters) -> Picture:
        """Return the stylized picture, in the content's shape; raise what the model raises for it."""
        request = _Request(content, parameters, self._group(*content.shape[:2]))
        batch = self._wait(request)
        if batch:
            self._lead([each for each in batch if isinstance(each, _Request)])
        note_device_seconds(request.device_seconds)
        return request.result()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold a call while the block runs, after the pictures that wait already."""
        self._wait(_Turn())
        try:
            yield
        finally:
            self._pass_on()

    def _wait(self, request: _Turn) -> list[_Turn]:
        """Wait for a call; return what to paint in it, or nothing if another thread painted the request."""
        with self._lock:
            if self._free_calls:  # so nobody waits
                self._free_calls -= 1
                request.batch = [request]
            else:
                self._waiting.append(request)
        if not request.batch:
            request.woken.wait()
        batch, request.batch = request.batch, []  # no cycle may keep the pictures
        return batch

    def _lead(self, batch: list[_Request]) -> None:
        """Run the batch in the caller's thread, wake the others, and pass the call on."""
        try:
            self._answer(batch)
        finally:
            self._pass_on()
            for request in batch:
                request.woken.set()

    def _pass_on(self) -> None:
        """Give the caller's call to what has waited longest."""
        with self._lock:
            following = self._take()
            self._free_calls += not following
        for first in following[:1]:
            first.woken.set()

    def _take(self) -> list[_Turn]:
        """Take the longest waiting request, which leads, and those that share its call."""
        if not self._waiting:
            return []
        first = self._waiting.popleft()
        batch = first.batch = [first]
        for request in list(self._waiting):
            fits = (len(batch) + 1) * first.pixels <= self._pixel_budget
            if fits and request.group == first.group:
                self._waiting.remove(request)
                batch.append(request)
        return batch

    def _answer(self, batch: list[_Request]) -> None:
        """Give every request a picture or an error.

        A batch is halved if it does not fit in memory, or if the model fails on one of its pictures, so that
        each error reaches only its own picture.
        """
        try:
            with _shared_by(batch):
                pictures = self._paint(
                    [request.content for request in batch], [request.parameters for request in batch]
                )
        except (OutOfMemory, StylizationFailed) as error:
            half = len(batch) // 2
            if half:
                self._answer(batch[:half])
                self._answer(batch[half:])
            else:
                batch[0].answer = error
        except Exception as error:  # raised in the waiting threads
            for request in batch:
                request.answer = error
        else:
            BATCH_SIZE.observe(len(batch))
            for request, picture in zip(batch, pictures, strict=True):
                request.answer = picture


@contextmanager
def _shared_by(batch: Sequence[_Request]) -> Iterator[None]:
    """Share the time of a call by the pixels of its pictures."""
    began = time.perf_counter()
    try:
        yield
    finally:
        seconds_per_byte = (time.perf_counter() - began) / sum(each.content.nbytes for each in batch)
        for each in batch:
            each.device_seconds += seconds_per_byte * each.content.nbytes
