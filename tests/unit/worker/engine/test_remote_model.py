"""Hands and an engine in one process, over a real Unix socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from shared.errors import EngineLost, LeaseLost, ModelUnavailable, OutOfMemory, VggUnavailable
from shared.wire.params import Params
from tests.stacks.servers import wait_until
from worker.engine import remote_model
from worker.engine.losses import RemoteOriginal
from worker.engine.remote_model import RemoteModel
from worker.engine.server import EngineServer
from worker.images.arrays import Picture, StyleParameters
from worker.images.slabs import Slabs, slab_of
from worker.model.bands.limits import BandLimits, Bands, PictureRows
from worker.model.batched_model import BatchedModel
from worker.model.lazy import Lazily
from worker.painting.original import Original
from worker.telemetry.device_time import device_seconds

NO_ROOM, FAULT, WAIT = 201, 202, 203  # orders of a picture's first pixel
PIXELS = 10_000


class Model:
    """Adds the style to the content, unless the content orders something else."""

    digest, device, can_blend = "abc", "cpu", True
    pixel_budget, bytes_per_pixel = 1, 1
    bands: Bands | None = None

    def __init__(self, handle: str = "adder") -> None:
        self.handle = handle
        self.gate = threading.Event()
        self.orders: list[int] = []

    def style_parameters(self, style: Picture) -> StyleParameters:
        return style.mean((0, 1), np.float32)

    def group(self, height: int, width: int) -> tuple[int, int]:
        return height, width

    def paint(self, contents: Sequence[Picture], parameters: Sequence[StyleParameters]) -> Sequence[Picture]:
        self.orders.append(int(contents[0][0, 0, 0]))
        match self.orders[-1]:
            case 201:
                raise OutOfMemory("It does not fit.")
            case 202:
                raise ZeroDivisionError
            case 203:
                assert self.gate.wait(10)
        return [contents[0] + parameters[0].astype(np.uint8)]


class RowByRow:
    """Adds the style to a row a band."""

    at_once_pixels, stored_bytes_per_pixel = 100, 1.0

    def __init__(self) -> None:
        self.rows = self.ended = 0

    def steps(self, rows: PictureRows, parameters: StyleParameters, _: BandLimits) -> Generator[float]:
        try:
            for row in range(rows.height):
                rows.write(row, rows.read(row, row + 1) + parameters.astype(np.uint8))
                self.rows += 1
                yield (row + 1) / rows.height
        finally:
            self.ended += 1


class Post:
    """A socket at which engines listen, one after another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.channels: list[socket.socket] = []

    def serve(self, model: Model) -> EngineServer:
        server = EngineServer(BatchedModel(model, PIXELS, 2), Lazily(no_vgg), lambda: None)
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()
        return server

    def _accept(self, server: EngineServer) -> None:
        while True:
            try:
                server.accept(self)  # type: ignore[arg-type]
            except OSError:
                return

    def accept(self) -> tuple[socket.socket, object]:
        channel, address = self.listener.accept()
        self.channels.append(channel)
        return channel, address

    def die(self) -> None:
        """Do what the kernel does to the connections of a dead engine."""
        for channel in self.channels:
            channel.shutdown(socket.SHUT_RDWR)
        self.channels.clear()


def no_vgg() -> Original:
    raise VggUnavailable("There is none.")


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    post = Post(tmp_path / "engine")
    yield post
    post.listener.close()


def hand(post: Post, alone: bool = False) -> RemoteModel:
    return RemoteModel(post.path, lambda: alone, PIXELS)


def picture(value: int, height: int = 6, width: int = 9) -> Picture:
    return np.full((height, width, 3), value, np.uint8)


STYLE = np.array([1, 2, 3], np.float32)


def test_a_hand_shows_the_model_of_its_engine_and_paints_with_it(post: Post) -> None:
    post.serve(Model())
    model = hand(post)
    assert (model.handle, model.digest, model.device, model.can_blend) == ("adder", "abc", "cpu", True)
    assert (model.memory_bytes, model.max_pixels) == (PIXELS, PIXELS)
    assert (model.paint(picture(10), STYLE) == [11, 12, 13]).all()
    assert (model.style_parameters(picture(7)) == [7, 7, 7]).all()


def test_the_picture_of_a_decoder_is_handed_over_where_it_lies_and_stays_as_it_was(post: Post) -> None:
    post.serve(Model())
    model, slabs = hand(post), Slabs(PIXELS)
    content = slabs.held(picture(10))[0]
    first, second = model.paint(content, STYLE), model.paint(content, 2 * STYLE)
    assert (content == 10).all()
    assert (first == [11, 12, 13]).all()
    assert (second == [12, 14, 16]).all()
    assert slab_of(first)
    assert slab_of(first) is not slab_of(content)


def test_errors_of_the_model_reach_the_hand_and_the_next_picture_is_painted(post: Post) -> None:
    post.serve(Model())
    model = hand(post)
    with pytest.raises(OutOfMemory, match="does not fit"):
        model.paint(picture(NO_ROOM), STYLE)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        model.paint(picture(FAULT), STYLE)
    with pytest.raises(VggUnavailable, match="none"):
        RemoteOriginal(model).report(picture(1), picture(2), [(picture(3), 1.0)], Params())
    assert (model.paint(picture(10), STYLE) == [11, 12, 13]).all()


def test_the_bands_of_a_large_picture_go_through_the_slabs_and_the_hand_sees_each(post: Post) -> None:
    large = Model()
    large.bands = RowByRow()
    post.serve(large)
    seen: list[float] = []
    content = np.random.default_rng(1).integers(0, 200, (20, 30, 3), np.uint8)
    assert (hand(post).paint(content, STYLE, seen.append) == content + np.array([1, 2, 3])).all()
    assert seen == pytest.approx([(row + 1) / 20 for row in range(20)])


def test_a_hand_that_gives_its_job_up_ends_the_painting_and_goes_on(post: Post) -> None:
    large = Model()
    bands = large.bands = RowByRow()
    server = post.serve(large)
    model = hand(post)

    def give_up(done: float) -> None:
        raise LeaseLost(f"canceled at {done}")

    with pytest.raises(LeaseLost):
        model.paint(picture(10, 5000, 1), STYLE, give_up)
    wait_until(lambda: bands.ended == 1)
    assert bands.rows < 5000
    wait_until(lambda: not len(server))
    assert (model.paint(picture(10), STYLE) == [11, 12, 13]).all()
    assert (model.paint(picture(10, 20, 20), STYLE) == [11, 12, 13]).all()


def test_a_request_that_an_engine_died_of_is_lost_and_the_next_one_goes_to_its_successor(post: Post) -> None:
    server = post.serve(Model())
    model, errors = hand(post), []

    def work() -> None:
        try:
            model.paint(picture(WAIT), STYLE)
        except EngineLost as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: server._begun_at, 5, "the call")
    post.die()
    thread.join(10)
    assert len(errors) == 1
    assert (model.paint(picture(10), STYLE) == [11, 12, 13]).all()


def test_a_request_that_had_not_begun_goes_to_the_next_engine(post: Post) -> None:
    post.serve(Model())
    model = hand(post)
    model.paint(picture(10), STYLE)
    post.die()
    assert (model.paint(picture(10), STYLE) == [11, 12, 13]).all()


def test_a_picture_that_must_be_alone_waits_for_the_others_and_they_for_it(post: Post) -> None:
    first = Model()
    server = post.serve(first)
    alone, later = 1, 2

    def work(value: int) -> threading.Thread:
        model = hand(post, value == alone)
        thread = threading.Thread(target=model.paint, args=(picture(value), STYLE))
        thread.start()
        return thread

    threads = [work(WAIT)]
    wait_until(lambda: server._begun_at, 5, "the first call")
    threads.append(work(alone))
    wait_until(lambda: server._gate._want_alone, 5, "its wish to be alone")
    threads.append(work(later))
    assert first.orders == [WAIT]
    first.gate.set()
    for thread in threads:
        thread.join(10)
    assert first.orders == [WAIT, alone, later]


def test_an_engine_with_another_model_is_not_used(post: Post) -> None:
    server = post.serve(Model())
    model = hand(post)
    server._model.handle = "another"
    post.die()
    with pytest.raises(ModelUnavailable, match="another model"):
        model.paint(picture(1), STYLE)


def test_a_hand_does_not_wait_for_ever_for_an_engine(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.serve(Model())
    model = hand(post)
    monkeypatch.setattr(remote_model, "RETURN_SECONDS", 0.3)
    post.listener.shutdown(socket.SHUT_RDWR)
    post.die()
    with pytest.raises(ModelUnavailable, match="has not come back"):
        model.paint(picture(1), STYLE)
    assert model.state() is None


def test_the_state_of_an_engine_is_told_beside_the_pictures(post: Post) -> None:
    post.serve(Model())
    state = hand(post).state()
    assert state
    assert (state.waiting, state.gpu) == (0, None)


def test_a_hand_that_is_gone_leaves_nothing_behind(post: Post) -> None:
    server = post.serve(Model())
    model = hand(post)
    model.paint(picture(1), STYLE)
    assert len(server)
    model._local.connection.close()
    wait_until(lambda: not len(server), 5, "the end of all connections")


@pytest.mark.parametrize("content", [10, NO_ROOM])
def test_the_time_that_the_engine_took_is_noted_in_the_hand(post: Post, content: int) -> None:
    post.serve(Model())
    model = hand(post)
    for ask in (lambda: model.paint(picture(content), STYLE), lambda: model.style_parameters(picture(7))):
        before = device_seconds()
        with suppress(OutOfMemory):
            ask()
        assert 0 < device_seconds() - before < 10
