"""The order in which senders' requests get threads."""

from __future__ import annotations

from api.server.sender_queues import SenderQueues


def test_senders_take_turns_in_the_order_in_which_they_came() -> None:
    queues: SenderQueues[str] = SenderQueues(1, 1, len)
    for request in ("a1", "a2", "a3", "b1", "c1"):
        queues.add(request[0], request)
    served = []
    for request in ("a1", "b1", "c1", "a2", "a3"):
        served += queues.start()
        queues.finish(request[0])
    assert served == ["a1", "b1", "c1", "a2", "a3"]


def test_one_sender_leaves_places_for_others() -> None:
    queues: SenderQueues[str] = SenderQueues(4, 2, len)
    for request in ("a1", "a2", "a3", "a4"):
        queues.add("a", request)
    assert list(queues.start()) == ["a1", "a2"]
    queues.add("b", "b1")
    assert list(queues.start()) == ["b1"]
    queues.finish("a")
    assert list(queues.start()) == ["a3"]


def test_no_more_run_than_there_are_places() -> None:
    queues: SenderQueues[str] = SenderQueues(2, 2, len)
    for sender in "abc":
        queues.add(sender, sender)
    assert list(queues.start()) == ["a", "b"]
    assert list(queues.start()) == []
    queues.finish("b")
    assert list(queues.start()) == ["c"]


def test_a_request_that_leaves_its_queue_does_not_run() -> None:
    queues: SenderQueues[str] = SenderQueues(2, 1, len)
    for request in ("a1", "a2", "b1"):
        queues.add(request[0], request)
    queues.leave("a", "a1")
    queues.leave("b", "b1")
    assert list(queues.start()) == ["a2"]


def test_it_counts_the_bytes_of_one_senders_waiting_requests() -> None:
    queues: SenderQueues[str] = SenderQueues(1, 1, len)
    for request in ("a1", "a22", "a333", "b1"):
        queues.add(request[0], request)
    assert list(queues.start()) == ["a1"]
    assert [queues.waiting_bytes(sender) for sender in "abc"] == [7, 2, 0]
    queues.leave("a", "a22")
    assert queues.waiting_bytes("a") == 4
