from __future__ import annotations

import pytest

from api.server.arrival import MOST_HEAD_BYTES, MOST_SMALL_BODY_BYTES, Arrival, Stage

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def post(*fields: str, body: bytes = b"") -> bytes:
    return "\r\n".join(["POST / HTTP/1.1", "Host: a", *fields, "", ""]).encode() + body


@pytest.mark.parametrize(
    ("request_bytes", "stage"),
    [
        (GET, Stage.READY),
        (GET[:-1], Stage.PARTIAL),
        (b"", Stage.PARTIAL),
        (GET + GET[:5], Stage.READY),
        (b"nonsense\r\n\r\n", Stage.READY),
        (post("Content-Length: 2", body=b"{"), Stage.PARTIAL),
        (post("Content-Length: 2", body=b"{}"), Stage.READY),
        (post("CONTENT-LENGTH:2", body=b"{}"), Stage.READY),
        (post("Content-Length: -2"), Stage.READY),
        (post("Content-Length: " + "9" * 30), Stage.BODY_FOLLOWS),
        (post("Content-Length: " + "0" * 30 + f"{MOST_SMALL_BODY_BYTES + 1}"), Stage.BODY_FOLLOWS),
        (post("Content-Length: " + "0" * 30), Stage.READY),
        (post(f"Content-Length: {MOST_SMALL_BODY_BYTES}"), Stage.PARTIAL),
        (post(f"Content-Length: {MOST_SMALL_BODY_BYTES + 1}"), Stage.BODY_FOLLOWS),
        (post("Transfer-Encoding: chunked"), Stage.BODY_FOLLOWS),
        (post("Content-Length: 2", "Expect: 100-continue"), Stage.BODY_FOLLOWS),
        (post("X: " + "x" * MOST_HEAD_BYTES), Stage.HEAD_TOO_LARGE),
        (b"x" * MOST_HEAD_BYTES, Stage.PARTIAL),
        (b"x" * (MOST_HEAD_BYTES + 1), Stage.HEAD_TOO_LARGE),
    ],
)
def test_the_stage_follows_from_the_bytes_so_far(request_bytes: bytes, stage: Stage) -> None:
    assert Arrival().add(request_bytes) is stage


def test_the_stage_is_the_same_however_the_bytes_are_cut() -> None:
    whole = post("Content-Length: 5", body=b"hello")
    for cut in range(1, len(whole)):
        arrival = Arrival()
        assert arrival.add(whole[:cut]) is Stage.PARTIAL
        assert arrival.add(whole[cut:]) is Stage.READY
        assert arrival.received == whole


def key(*fields: str) -> int | None:
    arrival = Arrival()
    arrival.add(post(*fields))
    return arrival.key


@pytest.mark.parametrize(
    "field", ["authorization:Bearer key", "Authorization: bearer  key \t", "Authorization: BEARER\tkey\xa0"]
)
def test_a_key_is_one_sender_however_it_is_written(field: str) -> None:
    arrival = Arrival()
    arrival.add(f"POST / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n".encode("latin-1"))
    assert arrival.key == key("Authorization: Bearer key")


def test_another_key_is_another_sender_and_no_key_is_no_sender() -> None:
    assert key("Authorization: Bearer key") != key("Authorization: Bearer yek")
    assert key("Authorization:") is key("X: y") is None
