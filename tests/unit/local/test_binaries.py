"""A server's program that is not installed."""

from __future__ import annotations

import pytest

from local.binaries import first
from worker.supervision.errors import StackError


def test_a_missing_program_is_reported_with_the_way_to_get_it() -> None:
    with pytest.raises(StackError, match=r"^pip install it$"):
        first(iter(()), "pip install it")
