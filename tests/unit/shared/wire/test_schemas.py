"""The JSON Schema of a job accepts exactly what the validators accept."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from shared.wire.batch_descriptors import BatchJob
from shared.wire.descriptors import JobRequest

PAIR = {"content": {"url": "https://example.org/a.jpg"}, "style": {"url": "https://example.org/b.jpg"}}
GOOD: list[dict[str, Any]] = [
    {},
    {"params": {}},
    {"params": {"iterations": 150}},
    {"params": {"method": "fast", "strength": 0.5, "style_size": 128}},
    {"params": {"losses": True, "alpha": 2, "beta": 5}},
    {"params": {"method": "optimize", "alpha": 2, "seed": 3, "max_seconds": 60}},
    {"lane": "optimize", "params": {"method": "optimize", "iterations": 3}},
    {"lane": "high", "params": {"losses": True}},
]
BAD: list[dict[str, Any]] = [
    {"params": {"alpha": 2}},
    {"params": {"iterations": 3}},
    {"params": {"losses": True, "iterations": 3}},
    {"params": {"method": "fast", "total_variation": 1}},
    {"params": {"method": "optimize", "strength": 0.5}},
    {"params": {"method": "optimize", "style_size": 128}},
    {"lane": "optimize"},
    {"lane": "high", "params": {"method": "optimize"}},
]


@pytest.mark.parametrize("model", [JobRequest, BatchJob])
@pytest.mark.parametrize(
    ("members", "good"), [(each, True) for each in GOOD] + [(each, False) for each in BAD]
)
def test_the_schema_of_a_job_agrees_with_its_validators(
    model: type[BaseModel], members: dict[str, Any], good: bool
) -> None:
    assert Draft202012Validator(model.model_json_schema()).is_valid({**PAIR, **members}) is good
    assert is_accepted(model, {**PAIR, **members}) is good


def is_accepted(model: type[BaseModel], job: dict[str, Any]) -> bool:
    try:
        model.model_validate(job)
    except ValidationError:
        return False
    return True
