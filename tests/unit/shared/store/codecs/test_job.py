from __future__ import annotations

from shared.store.codecs.job import SHOWN
from shared.wire.records import JobState


def test_each_member_that_a_client_sees_is_read_from_the_record() -> None:
    assert set(SHOWN) == set(JobState.model_fields) - {"id", "request"} | {"result"}
