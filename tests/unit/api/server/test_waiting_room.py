"""The connection that leaves a full room."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from api.server.client_socket import ClientSocket
from api.server.waiting_room import WaitingRoom


class Waiting:
    """A connection of a sender."""

    def __init__(self, name: str, opened: ExitStack) -> None:
        here, there = map(opened.enter_context, socket.socketpair())
        self.sock = opened.enter_context(ClientSocket.adopt(here, name))
        self.other_end = there
        self.name, self.sender = name, name[0]


@contextmanager
def room_for(most: int, *names: str, seconds: float = 60) -> Iterator[tuple[WaitingRoom[Waiting], list[str]]]:
    """Let connections enter, each named by its sender; yield the room and those that had to leave."""
    with ExitStack() as opened, selectors.DefaultSelector() as poller:
        room: WaitingRoom[Waiting] = WaitingRoom(selectors.EVENT_READ, seconds, most, lambda _: None)
        left = [room.enter(Waiting(name, opened), poller) for name in names]
        yield room, [waiting.name for waiting in left if waiting]


def test_a_sender_with_more_than_its_share_loses_its_own_oldest() -> None:
    with room_for(8, "b1", "a1", "a2", "a3", "a4", "a5", "a6") as (_, left):
        assert left == ["a1", "a2"]


def test_a_full_room_takes_from_the_sender_who_has_most() -> None:
    with room_for(4, "b1", "c1", "a1", "a2", "d1", "e1") as (_, left):
        assert left == ["a1", "b1"]


def test_connections_expire_in_the_order_in_which_they_came() -> None:
    with ExitStack() as opened, selectors.DefaultSelector() as poller:
        room: WaitingRoom[Waiting] = WaitingRoom(selectors.EVENT_READ, 0, 4, lambda _: None)
        for name in ("a1", "b1", "a2"):
            room.enter(Waiting(name, opened), poller)
        assert [waiting.name for waiting in room.expire(poller)] == ["a1", "b1", "a2"]
        assert not poller.get_map()
