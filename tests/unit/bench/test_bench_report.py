from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.measures.report import (
    Pair,
    Report,
    alternately,
    median_ratio,
    medians,
    rate_between,
    rounded,
    table,
    warning,
)


def test_the_median_is_taken_of_the_ratios_and_not_of_the_figures() -> None:
    pairs = [Pair(10, 10), Pair(30, 10), Pair(40, 20)]
    assert median_ratio(pairs) == 2  # the medians' ratio would be 3


def test_the_median_of_an_even_number_of_pairs_lies_between_the_middle_two() -> None:
    assert median_ratio([Pair(1, 1), Pair(2, 1), Pair(4, 1), Pair(100, 1)]) == 3


def test_no_pairs_have_no_median() -> None:
    with pytest.raises(ValueError, match="no median"):
        median_ratio([])


def test_runs_alternate_and_both_sides_of_a_round_know_its_number() -> None:
    calls: list[str] = []

    def side(name: str, figure: float) -> float:
        calls.append(name)
        return figure

    pairs = alternately(lambda n: side(f"ours {n}", 2.0 + n), lambda n: side(f"theirs {n}", 1.0), rounds=3)
    assert calls == ["ours 0", "theirs 0", "ours 1", "theirs 1", "ours 2", "theirs 2"]
    assert [(pair.ours, pair.theirs) for pair in pairs] == [(2, 1), (3, 1), (4, 1)]


def test_each_round_is_shown_when_it_has_ended() -> None:
    shown: list[tuple[int, float]] = []
    alternately(lambda _: 3.0, lambda _: 2.0, 2, lambda number, pair: shown.append((number, pair.ratio)))
    assert shown == [(0, 1.5), (1, 1.5)]


def test_rounds_with_company_are_warned_of_and_quiet_ones_are_not() -> None:
    assert warning([Pair(1, 1, others=0.02)], 0.02) == ""
    assert "1 of 2 rounds" in warning([Pair(1, 1, others=0.02), Pair(1, 1, others=0.9)], 0.05)
    assert "0.50 cores" in warning([], 0.5)


def test_medians_are_taken_name_by_name_over_the_rows_that_have_it() -> None:
    assert medians([{"a": 1, "b": 5}, {"a": 3}, {"a": 2, "b": 7}]) == {"a": 2, "b": 6}


@pytest.mark.parametrize(("slots", "calls"), [(1, 4), (3, 10), (16, 15)])
def test_slots_in_step_reach_exactly_the_ideal_rate(slots: int, calls: int) -> None:
    finished = [0.2 * call for call in range(1, calls + 2) for _ in range(slots)]
    assert rate_between(finished, slots, slots * (calls + 1)) == pytest.approx(slots / 0.2)


def test_a_rate_leaves_out_how_the_pipeline_fills_and_empties() -> None:
    slow_start_and_end = [5.0, 5.2, 5.4, 5.6, 9.0]
    assert rate_between(slow_start_and_end, 1, 4) == pytest.approx(5)


def test_a_rate_does_not_depend_on_the_order_of_the_moments() -> None:
    assert rate_between([3.0, 1.0, 2.0], 1, 3) == pytest.approx(1)


def test_a_table_has_aligned_columns() -> None:
    assert table(["part", "ms"], [["api", 5.0], ["workers", 123.456]]) == (
        "part        ms\n"
        "api       5.00\n"
        "workers  123.5"
    )  # fmt: skip


def test_floats_are_rounded_however_deep_they_lie() -> None:
    value = {1: [Pair(1.0, 3.0)], "text": ("a", 0.123456)}
    assert rounded(value) == {
        "1": [{"ours": 1.0, "theirs": 3.0, "others": 0.0, "ratio": 0.3333}],
        "text": ["a", 0.1235],
    }


def test_the_file_has_the_ratio_every_run_and_the_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Report("trial", tmp_path / "out").finish(1.5, [Pair(3.0, 2.0, others=0.7)], unit="photos/s")
    written = json.loads(path.read_text())
    assert path.name == "trial.json"
    assert (written["ratio"], written["unit"]) == (1.5, "photos/s")
    assert written["runs"] == [{"ours": 3.0, "theirs": 2.0, "others": 0.7, "ratio": 1.5}]
    assert written["machine"]["cores"] >= 1
    printed = capsys.readouterr().out
    assert "machine:" in printed
    assert "WARNING" in printed
