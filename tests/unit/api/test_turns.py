"""Whose request gets the next thread."""

from __future__ import annotations

from api.server.turns import Turns


def test_senders_take_turns_in_the_order_in_which_they_came() -> None:
    turns: Turns[str] = Turns(1, 1)
    for request in ("a1", "a2", "a3", "b1", "c1"):
        turns.add(request[0], request)
    served = []
    for request in ("a1", "b1", "c1", "a2", "a3"):
        served += turns.start()
        turns.finish(request[0])
    assert served == ["a1", "b1", "c1", "a2", "a3"]


def test_one_sender_leaves_places_for_others() -> None:
    turns: Turns[str] = Turns(4, 2)
    for request in ("a1", "a2", "a3", "a4"):
        turns.add("a", request)
    assert list(turns.start()) == ["a1", "a2"]
    turns.add("b", "b1")
    assert list(turns.start()) == ["b1"]
    turns.finish("a")
    assert list(turns.start()) == ["a3"]


def test_no_more_run_than_there_are_places() -> None:
    turns: Turns[str] = Turns(2, 2)
    for sender in "abc":
        turns.add(sender, sender)
    assert list(turns.start()) == ["a", "b"]
    assert list(turns.start()) == []
    turns.finish("b")
    assert list(turns.start()) == ["c"]


def test_a_request_that_leaves_its_line_does_not_run() -> None:
    turns: Turns[str] = Turns(2, 1)
    for request in ("a1", "a2", "b1"):
        turns.add(request[0], request)
    turns.leave("a", "a1")
    turns.leave("b", "b1")
    assert list(turns.start()) == ["a2"]
