from __future__ import annotations

from contextlib import suppress

import pytest

from shared.errors import LeaseLost
from shared.store.counts.effort import Effort
from shared.wire.operations.stats_records import STAGES
from worker.jobs.stages import BEGINNINGS, Stages
from worker.telemetry.device_time import note_device_seconds


def test_the_fraction_of_a_painting_lies_between_its_stage_and_the_next() -> None:
    stages = Stages(lambda: None)
    seen = []
    with stages.stage("model"):
        for done in (0, 0.5, 1):
            stages.painted(done)
            assert stages.progress is not None
            assert stages.progress.stage == "model"
            seen.append(stages.progress.fraction)
    assert seen == [BEGINNINGS["model"], pytest.approx(0.48), BEGINNINGS["encode"]]


def test_a_job_that_was_given_away_ends_at_the_next_band() -> None:
    mine = True

    def check() -> None:
        if not mine:
            raise LeaseLost("canceled")

    stages = Stages(check)
    with stages.stage("model"):
        stages.painted(0.2)
        mine = False
        with pytest.raises(LeaseLost):
            stages.painted(0.3)
    assert stages.progress is not None
    assert stages.progress.fraction < 0.3


def test_the_series_have_every_stage_and_the_wait() -> None:
    assert set(STAGES) == {"queue", *BEGINNINGS}


def test_an_attempt_knows_what_its_stages_took_also_of_one_that_failed() -> None:
    note_device_seconds(100)  # of the thread's job before
    stages = Stages(lambda: None)
    stages.bytes_in += 1000
    with stages.stage("style"):
        note_device_seconds(0.5)
    with suppress(ZeroDivisionError), stages.stage("model"):
        note_device_seconds(2)
        raise ZeroDivisionError
    assert stages.effort == Effort(2.5, 1000)
