from __future__ import annotations

import numpy as np
import pytest

from worker.engine.wire import EngineFacts, pack_arrays, unpack_arrays


def test_arrays_arrive_as_they_were_sent() -> None:
    sent = [np.arange(24, dtype=np.uint8).reshape(2, 4, 3), np.array([0.5, -1], np.float32)]
    received = unpack_arrays(pack_arrays(sent))
    assert [array.dtype for array in received] == [np.uint8, np.float32]
    assert all((one == other).all() for one, other in zip(sent, received, strict=True))


def test_an_array_that_is_cut_off_is_an_error() -> None:
    with pytest.raises(ValueError, match="buffer"):
        unpack_arrays(pack_arrays([np.zeros(5, np.float32)])[:-1])


def test_facts_are_json() -> None:
    facts = EngineFacts("embedded", None, "cpu", True, 10, 20)
    assert b'"digest": null' in facts.to_json()
