from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest

from shared.errors import OutOfMemory, StylizationFailed
from tests.stacks.servers import wait_until
from worker.images.arrays import Picture, StyleParameters
from worker.model.batcher import Batcher
from worker.telemetry.device_time import device_seconds

SIDE = 10
PIXELS = SIDE * SIDE
FATAL_STYLE = 200


class GatedModel:
    """Adds the style to the content; the first call waits for `gate`, so that others can gather behind it."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.max_batch = 100

    def paint(self, contents: Sequence[Picture], parameters: Sequence[StyleParameters]) -> Sequence[Picture]:
        self.batches.append(len(contents))
        if len(self.batches) == 1:
            assert self.gate.wait(10)
        if len(contents) > self.max_batch:
            raise OutOfMemory("It does not fit.")
        if any(style[0] == FATAL_STYLE for style in parameters):
            raise StylizationFailed("This one is fatal.")
        return [
            np.asarray(content + style.astype(np.uint8))
            for content, style in zip(contents, parameters, strict=True)
        ]


def own_size(height: int, width: int) -> tuple[int, int]:
    return height, width


def picture(value: int, width: int = SIDE) -> Picture:
    return np.full((SIDE, width, 3), value, np.uint8)


def style(value: int) -> StyleParameters:
    return np.array([value], np.float32)


class Crowd:
    """Threads that each want one picture, after a first one holds the model."""

    def __init__(self, model: GatedModel, pixel_budget: int) -> None:
        self.model = model
        self.batcher = Batcher(model.paint, own_size, pixel_budget)
        self.answers: dict[int, Picture | Exception] = {}
        self.seconds: dict[int, float] = {}  # on the device
        self.threads: list[threading.Thread] = []

    def want(self, number: int, content: Picture, parameters: StyleParameters) -> None:
        def work() -> None:
            try:
                self.answers[number] = self.batcher.paint(content, parameters)
            except Exception as error:  # looked at by the test
                self.answers[number] = error
            self.seconds[number] = device_seconds()

        waiting = len(self.batcher._waiting)
        thread = threading.Thread(target=work)
        self.threads.append(thread)
        thread.start()
        if number == 0:
            wait_until(lambda: self.model.batches, 5, "the first call")
        else:
            wait_until(lambda: len(self.batcher._waiting) > waiting, 5, "the request to wait")

    def finish(self) -> None:
        self.model.gate.set()
        for thread in self.threads:
            thread.join(10)
        assert len(self.answers) == len(self.threads)


def test_a_lone_picture_does_not_wait_for_company() -> None:
    model = GatedModel()
    model.gate.set()
    assert (Batcher(model.paint, own_size, 10**6).paint(picture(3), style(4)) == 7).all()
    assert model.batches == [1]


def test_pictures_that_gather_behind_a_call_go_together_whatever_their_styles() -> None:
    crowd = Crowd(GatedModel(), 100 * PIXELS)
    for number in range(6):
        crowd.want(number, picture(10 * number), style(number))
    crowd.finish()
    assert crowd.model.batches == [1, 5]
    assert all((crowd.answers[number] == 11 * number).all() for number in range(6))


def test_a_batch_ends_at_the_pixel_budget() -> None:
    crowd = Crowd(GatedModel(), 2 * PIXELS)
    for number in range(6):
        crowd.want(number, picture(number), style(1))
    crowd.finish()
    assert crowd.model.batches == [1, 2, 2, 1]


def test_pictures_of_other_shapes_go_in_calls_of_their_own_and_keep_their_order() -> None:
    crowd = Crowd(GatedModel(), 100 * PIXELS)
    for number, width in enumerate([10, 10, 12, 10, 12]):
        crowd.want(number, picture(number, width), style(1))
    crowd.finish()
    assert crowd.model.batches == [1, 2, 2]
    shapes = [np.shape(crowd.answers[number])[1] for number in range(5)]
    assert shapes == [10, 10, 12, 10, 12]


def test_a_batch_that_does_not_fit_is_halved_until_it_does() -> None:
    crowd = Crowd(GatedModel(), 100 * PIXELS)
    crowd.model.max_batch = 2
    for number in range(6):
        crowd.want(number, picture(number), style(1))
    crowd.finish()
    assert crowd.model.batches == [1, 5, 2, 3, 1, 2]
    assert all((crowd.answers[number] == number + 1).all() for number in range(6))


def test_a_picture_that_does_not_fit_alone_is_out_of_memory_and_the_next_one_runs() -> None:
    model = GatedModel()
    model.gate.set()
    model.max_batch = 0
    batcher = Batcher(model.paint, own_size, PIXELS)
    with pytest.raises(OutOfMemory):
        batcher.paint(picture(1), style(1))
    model.max_batch = 1
    assert (batcher.paint(picture(1), style(1)) == 2).all()


def test_a_picture_that_the_model_fails_on_fails_alone() -> None:
    crowd = Crowd(GatedModel(), 100 * PIXELS)
    for number, value in enumerate([1, 1, FATAL_STYLE, 1, 1]):
        crowd.want(number, picture(number), style(value))
    crowd.finish()
    failed = [number for number, answer in crowd.answers.items() if isinstance(answer, StylizationFailed)]
    assert failed == [2]
    assert crowd.model.batches == [1, 4, 2, 1, 1, 2]


def test_pictures_of_one_group_share_a_call_and_count_with_the_size_of_the_group() -> None:
    crowd = Crowd(GatedModel(), 3 * PIXELS)
    crowd.batcher = Batcher(crowd.model.paint, lambda _, __: (SIDE, SIDE), 3 * PIXELS)
    for number, width in enumerate([10, 3, 4, 5, 6]):
        crowd.want(number, picture(number, width), style(1))
    crowd.finish()
    assert crowd.model.batches == [1, 3, 1]
    assert [np.shape(crowd.answers[number])[1] for number in range(5)] == [10, 3, 4, 5, 6]


def test_several_calls_run_at_once_and_no_more() -> None:
    running, most, lock, both = 0, 0, threading.Lock(), threading.Barrier(2)

    def paint(contents: Sequence[Picture], _: Sequence[StyleParameters]) -> Sequence[Picture]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait(10)
        with lock:
            running -= 1
        return contents

    batcher = Batcher(paint, own_size, PIXELS, calls_at_once=2)
    threads = [threading.Thread(target=batcher.paint, args=(picture(1), style(1))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most == 2
    assert not len(batcher)


@pytest.mark.parametrize("calls_at_once", [1, 3])
def test_many_threads_get_their_own_pictures(calls_at_once: int) -> None:
    model = GatedModel()
    model.gate.set()
    crowd = Crowd(model, 4 * PIXELS)
    crowd.batcher = Batcher(model.paint, own_size, 4 * PIXELS, calls_at_once)

    def work(number: int) -> None:
        for turn in range(50):
            answer = crowd.batcher.paint(picture(number), style(turn))
            assert (answer == number + turn).all()
        crowd.answers[number] = picture(0)

    crowd.threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in crowd.threads:
        thread.start()
    crowd.finish()
    assert sum(model.batches) == 8 * 50


def test_the_time_of_a_call_is_shared_by_the_pixels_of_its_pictures() -> None:
    model = GatedModel()
    seconds: list[float] = []

    def paint(contents: Sequence[Picture], parameters: Sequence[StyleParameters]) -> Sequence[Picture]:
        began = time.perf_counter()
        try:
            return model.paint(contents, parameters)
        finally:
            time.sleep(0.01)  # a share can be told from nothing
            seconds.append(time.perf_counter() - began)

    crowd = Crowd(model, 100 * PIXELS)
    crowd.batcher = Batcher(paint, lambda *_: (SIDE, SIDE), 100 * PIXELS)
    crowd.want(0, picture(0), style(1))
    crowd.want(1, picture(1), style(1))
    crowd.want(2, picture(2, width=3 * SIDE), style(1))
    crowd.finish()
    assert model.batches == [1, 2]
    assert crowd.seconds[2] == pytest.approx(3 * crowd.seconds[1])
    assert sum(crowd.seconds.values()) == pytest.approx(sum(seconds), rel=0.05)
    assert min(crowd.seconds.values()) > 0


def test_a_picture_that_fails_takes_time_too() -> None:
    crowd = Crowd(GatedModel(), PIXELS)
    crowd.want(0, picture(0), style(FATAL_STYLE))
    crowd.finish()
    assert isinstance(crowd.answers[0], StylizationFailed)
    assert crowd.seconds[0] > 0
