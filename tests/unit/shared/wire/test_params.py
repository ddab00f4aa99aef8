"""Combinations of params: of the two methods, and with the lane that a job waits in."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from api.intake.batch_lines import merged
from shared.wire.batch_descriptors import BatchJob
from shared.wire.descriptors import JobRequest, Lane
from shared.wire.params import METHODS, OF_THE_LOSSES, OF_THE_MINIMIZATION, OF_THE_MODEL, Params
from shared.wire.record_version import BASE_VERSION, needed_version
from tests.stacks.service import PAIR

CHANGED: dict[str, Any] = {
    "strength": 0.5, "style_size": 128, "style_crop": "center", "stroke_side": 512,
    "alpha": 2.0, "beta": 5.0,
    "total_variation": 1.0, "iterations": 10, "init": "noise", "levels": 2, "seed": 7, "max_seconds": 60,
}  # fmt: skip
OPTIMIZE = {"method": "optimize"}


def refusal_of(model: type[Params | JobRequest], members: dict[str, Any]) -> str:
    """Return the refused member and the reason."""
    with pytest.raises(ValidationError) as refused:
        model.model_validate(members)
    (error,) = refused.value.errors()
    return f"{error['loc'][-1]}: {error['msg']}"


def test_every_member_is_of_a_method_or_of_both() -> None:
    assert set(CHANGED) == {*OF_THE_MODEL, *OF_THE_LOSSES, *OF_THE_MINIMIZATION}
    both = {"method", "losses", "max_side", "preserve_color", "animation"}
    assert set(Params.model_fields) == set(CHANGED) | both


@pytest.mark.parametrize("name", OF_THE_MINIMIZATION)
@pytest.mark.parametrize("losses", [False, True])
def test_options_of_the_minimization_need_its_method(name: str, losses: bool) -> None:
    wish = {name: CHANGED[name]}
    assert getattr(Params.model_validate(OPTIMIZE | wish), name) == CHANGED[name]
    refusal = refusal_of(Params, {"losses": losses, **wish})
    assert refusal == f"{name}: It applies only to method 'optimize'"


@pytest.mark.parametrize("name", OF_THE_LOSSES)
def test_the_losses_weights_need_losses_to_weigh(name: str) -> None:
    wish = {name: CHANGED[name]}
    for reason in (OPTIMIZE, {"losses": True}):
        assert getattr(Params.model_validate(reason | wish), name) == CHANGED[name]
    assert refusal_of(Params, wish) == f"{name}: It applies only to method 'optimize' or with `losses`"


@pytest.mark.parametrize("name", OF_THE_MODEL)
def test_options_of_the_model_mean_nothing_to_the_minimization(name: str) -> None:
    wish = {name: CHANGED[name]}
    assert getattr(Params.model_validate(wish), name) == CHANGED[name]
    refusal = refusal_of(Params, OPTIMIZE | wish)
    assert refusal == f"{name}: It applies only to method 'fast'; see alpha and beta"


@pytest.mark.parametrize("method", METHODS)
def test_a_response_of_the_service_can_be_sent_as_a_request(method: str) -> None:
    answered = Params.model_validate({"method": method}).model_dump()
    assert Params.model_validate(answered) == Params.model_validate({"method": method})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("alpha", -1), ("alpha", float("nan")), ("beta", float("inf")), ("total_variation", -0.1)),
        *(("iterations", 0), ("iterations", 2001), ("levels", 5), ("seed", 2**32), ("max_seconds", 0)),
        *(("init", "style"), ("losses", "yes")),
    ],
)
def test_a_value_out_of_its_range_is_refused(name: str, value: object) -> None:
    assert refusal_of(Params, OPTIMIZE | {name: value}).startswith(f"{name}: ")


# --- the lane -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [JobRequest, BatchJob])
def test_a_minimization_waits_in_its_own_lane(model: type[JobRequest]) -> None:
    job = {**PAIR, "params": OPTIMIZE}
    assert model.model_validate(job).lane is Lane.OPTIMIZE
    assert model.model_validate({**job, "lane": "optimize"}).lane is Lane.OPTIMIZE
    own = model.model_fields["lane"].default
    assert model.model_validate({**job, "lane": own}).lane is Lane.OPTIMIZE  # as a default it says nothing
    assert model.model_validate(PAIR).lane is own


LANE_REFUSAL = "lane: The lane 'optimize' is for jobs with the method 'optimize', which can use no other"


@pytest.mark.parametrize("model", [JobRequest, BatchJob])
def test_no_other_job_waits_there_and_a_minimization_waits_nowhere_else(model: type[JobRequest]) -> None:
    assert refusal_of(model, {**PAIR, "lane": "optimize"}) == LANE_REFUSAL
    assert refusal_of(model, {**PAIR, "params": {"losses": True}, "lane": "optimize"}) == LANE_REFUSAL
    assert refusal_of(model, {**PAIR, "params": OPTIMIZE, "lane": "high"}) == LANE_REFUSAL


def test_an_unknown_method_is_the_only_error_that_is_reported() -> None:
    assert refusal_of(JobRequest, {**PAIR, "params": {"method": "slow"}}).startswith("method: ")


def test_the_defaults_of_a_batch_send_its_lines_to_the_lane() -> None:
    defaults = {"params": {"method": "optimize", "iterations": 5}}
    job = BatchJob.model_validate(merged(defaults, {**PAIR, "params": {"init": "content"}}))
    assert (job.lane, job.params.iterations, job.params.init) == (Lane.OPTIMIZE, 5, "content")
    other = {**PAIR, "params": {"method": "fast"}}  # for which the defaults' iterations mean nothing
    assert refusal_of(BatchJob, merged(defaults, other)).startswith("iterations: ")


# --- the size -----------------------------------------------------------------------------------------


def test_a_size_that_equals_the_usual_one_is_still_a_wish() -> None:
    asked = Params(method="optimize", max_side=1024)
    assert asked.model_dump(exclude_defaults=True) == {"method": "optimize", "max_side": 1024}
    assert (asked.leaves_size_to_worker, asked.longest_side) == (False, 1024)
    assert Params(method="optimize").leaves_size_to_worker
    assert (Params().leaves_size_to_worker, Params().longest_side) == (False, 1024)


# --- the level ----------------------------------------------------------------------------------------


def level_of(params: dict[str, Any]) -> int:
    return needed_version(JobRequest.model_validate({**PAIR, "params": params}))


def test_a_job_that_asks_for_nothing_new_is_left_to_older_workers_too() -> None:
    assert level_of({}) == BASE_VERSION
    assert level_of({"strength": 0.5, "max_side": 256}) == BASE_VERSION
    assert level_of({"method": "fast", "losses": False, "iterations": 150, "seed": 0}) == BASE_VERSION


@pytest.mark.parametrize("params", [OPTIMIZE, {"losses": True}, OPTIMIZE | {"seed": 3}])
def test_an_older_worker_leaves_a_minimization_and_losses_alone(params: dict[str, Any]) -> None:
    assert level_of(params) > BASE_VERSION
