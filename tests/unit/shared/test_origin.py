"""The request that a job came from, as its record keeps it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.request_context import Origin, new_request_id, request_id_of
from shared.telemetry.trace_context import parse_trace_context

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
KEY = "sq_0123456789ab_" + "Ab-_" * 10 + "xyz"


@pytest.mark.parametrize("state", [None, "a=1", "a=1 2,b=3"])
def test_an_origin_is_read_as_it_was_written(state: str | None) -> None:
    origin = Origin(request_id="r-1", trace=parse_trace_context(PARENT, state))
    assert Origin.of_text(origin.to_text()) == origin
    assert origin.members() == {"request_id": "r-1", "trace_id": PARENT[3:35]}


def test_without_a_trace_it_is_the_request_id_alone() -> None:
    origin = Origin(request_id="r-1")
    assert origin.to_text() == "r-1"
    assert Origin.of_text("r-1") == origin
    assert origin.members() == {"request_id": "r-1"}


@pytest.mark.parametrize("nothing", [None, ""])
def test_records_of_a_time_before_origins_have_none(nothing: str | None) -> None:
    assert Origin.of_text(nothing) is None


@pytest.mark.parametrize("good", ["a", "7f3c9d", "req_01.a:b+c=d-e", "x" * 64])
def test_a_clients_plain_id_is_kept(good: str) -> None:
    assert request_id_of(good) == good


@pytest.mark.parametrize(
    "bad",
    [None, "", "-rf", "a b", "a\nb", "a\r\nSet-Cookie: x", "\x1b[31m", "ä", "x" * 65, "x" * 10_000, KEY],
)
def test_any_other_is_replaced(bad: str | None) -> None:
    made = request_id_of(bad)
    assert made != bad
    assert request_id_of(made) == made


def test_no_two_new_ids_are_the_same() -> None:
    assert len({new_request_id() for _ in range(1000)}) == 1000


@given(st.text())
def test_no_id_can_break_a_line_or_a_header(header: str) -> None:
    kept = request_id_of(header)
    assert kept.isascii()
    assert kept.isprintable()
    assert " " not in kept
