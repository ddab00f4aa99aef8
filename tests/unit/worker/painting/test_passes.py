from __future__ import annotations

import pytest

from worker.painting.passes import Passes


def test_each_pass_counts_by_its_pixels() -> None:
    seen: list[float] = []
    passes = Passes([1, 2, 4], seen.append)
    for _ in range(3):
        with passes.next() as fraction:
            fraction(0.5)
            fraction(1)
    assert seen == pytest.approx([0.5 / 21, 1 / 21, 3 / 21, 5 / 21, 13 / 21, 1])
