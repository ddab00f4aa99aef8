"""The form's fields, against the models from which they are made."""

from __future__ import annotations

import pytest

from api.pages.param_fields import ParamField, param_fields
from shared.wire.descriptors import Output
from shared.wire.params import MAX_SIDE, MIN_SIDE, Params

FIELDS = {(field.part, field.name): field for field in param_fields()}


def test_every_member_of_params_has_a_field_with_its_default() -> None:
    assert {name for part, name in FIELDS if part == "params"} == set(Params.model_fields)
    for name, value in Params().model_dump(mode="json").items():
        assert FIELDS["params", name].default == value


def test_the_members_of_output_that_are_no_place_have_fields() -> None:
    names = {name for part, name in FIELDS if part == "output"}
    assert names == set(Output.model_fields) - {"bucket", "key"}


@pytest.mark.parametrize("field", [each for each in FIELDS.values() if each.part == "params"])
def test_what_a_field_allows_the_model_allows(field: ParamField) -> None:
    values = [*field.choices, field.minimum, field.maximum, field.word]
    for value in [each for each in values if each is not None]:
        number = int(value) if field.step == "1" and isinstance(value, float) else value
        method = {"method": field.method} if field.method and field.name != "method" else {}
        assert Params(**{**method, field.name: number})


def test_limits_are_those_of_the_model() -> None:
    side = FIELDS["params", "max_side"]
    assert (side.minimum, side.maximum, side.step, side.word) == (MIN_SIDE, MAX_SIDE, "1", "original")
    assert side.limits == "64 to 16,384"
    assert FIELDS["params", "seed"].maximum == 2**32 - 1
    assert FIELDS["params", "max_seconds"].default is None
    assert FIELDS["params", "losses"].kind == "flag"


def test_a_field_says_with_which_method_it_has_a_meaning() -> None:
    assert FIELDS["params", "strength"].method == "fast"
    assert FIELDS["params", "iterations"].method == "optimize"
    assert (FIELDS["params", "alpha"].method, FIELDS["params", "alpha"].needs) == ("optimize", "losses")
    assert FIELDS["params", "max_side"].method is None


def test_the_most_used_come_first() -> None:
    in_front = [field.in_front for field in param_fields()]
    assert in_front == sorted(in_front, reverse=True)
    assert sum(in_front) == 4
