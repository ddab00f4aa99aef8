"""Groups waiting pictures into one call of the model.

A picture that finds the model idle starts at once and alone. Pictures that arrive while
the model runs have to wait anyway. The next call takes the first of them, and all others of its group up to a
number of pixels, whatever their styles. The model says which sizes form a group.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from shared.errors import OutOfMemory, StylizationFailed
from worker.images.arrays import Picture, StyleParameters
from worker.telemetry.metrics import BATCH_SIZE

Paint = Callable[[Sequence[Picture], Sequence[StyleParameters]], Sequence[Picture]]
Group = Callable[[int, int], tuple[int, int]]  # from a height and a width to the size that is used


class _Request:
    """One picture on its way through the model."""

    def __init__(self, content: Picture, parameters: StyleParameters, size: tuple[int, int]) -> None:
        self.content = content
        self.parameters = parameters
        self.pixels = size[0] * size[1]
        self.group = size, parameters.shape
        self.woken = threading.Event()  # set with the answer, or when this thread leads the next batch
        self.answer: Picture | Exception | None = None

    def result(self) -> Picture:
        if isinstance(self.answer, np.ndarray):
            return self.answer
        raise self.answer or RuntimeError("the batch was left without an answer")


class Batcher:
    """Runs one call of the model at a time, in one of the threads that wait for it."""

    def __init__(self, paint: Paint, group: Group, pixel_budget: int) -> None:
        self._paint = paint
        self._group = group
        self._pixel_budget = pixel_budget
        self._waiting: deque[_Request] = deque()
        self._busy = False
        self._lock = threading.Lock()

    def paint(self, content: Picture, parameters: StyleParameters) -> Picture:
        """Return the stylized picture, in the content's shape; raise what the model raises for it."""
        request = _Request(content, parameters, self._group(*content.shape[:2]))
        with self._lock:
            self._waiting.append(request)
            leads, self._busy = not self._busy, True
        if not leads:
            request.woken.wait()
        if request.answer is None:
            self._lead()
        return request.result()

    def _lead(self) -> None:
        """Run the batch of the longest waiting request. That request is the caller's own."""
        batch = self._take()
        try:
            self._answer(batch)
        finally:
            self._pass_on(batch)

    def _take(self) -> list[_Request]:
        with self._lock:
            first = self._waiting.popleft()
            batch = [first]
            for request in list(self._waiting):
                fits = (len(batch) + 1) * first.pixels <= self._pixel_budget
                if fits and request.group == first.group:
                    self._waiting.remove(request)
                    batch.append(request)
        return batch

    def _pass_on(self, batch: list[_Request]) -> None:
        """Wake the threads that have an answer, and the one that leads the next batch."""
        with self._lock:
            self._busy = bool(self._waiting)
            if self._busy:
                self._waiting[0].woken.set()
        for request in batch:
            request.woken.set()

    def _answer(self, batch: list[_Request]) -> None:
        """Give every request a picture or an error.

        A batch is halved if it does not fit in memory, or if the model fails on one of its pictures, so that
        each error reaches only its own picture.
        """
        try:
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
