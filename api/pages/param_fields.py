"""The fields of the form for `params` and `output`, with their limits, as the wire models state them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from shared.wire.descriptors import Output
from shared.wire.params import OF_THE_LOSSES, OF_THE_MINIMIZATION, OF_THE_MODEL, Params

IN_FRONT = ("method", "strength", "max_side", "preserve_color")
NUMBERS = ("integer", "number")


@dataclass(frozen=True)
class ParamField:
    """One member: a choice of words, a flag, or a number."""

    part: str  # params or output
    name: str
    kind: str  # choice, flag or number
    description: str
    default: Any
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    step: str = "any"
    word: str | None = None  # that a number may be instead
    method: str | None = None  # the only method with which it has a meaning
    needs: str | None = None  # a flag, without which it has a meaning with method 'optimize' alone

    @property
    def label(self) -> str:
        part = "output " if self.part == "output" else ""  # both parts have an `alpha`
        return (part + self.name.replace("_", " ")).capitalize()

    @property
    def in_front(self) -> bool:
        return self.name in IN_FRONT

    @property
    def limits(self) -> str:
        """The limits in words; empty if one is missing."""
        if self.minimum is None or self.maximum is None:
            return ""
        return f"{self.minimum:,g} to {self.maximum:,g}"


@cache
def param_fields() -> tuple[ParamField, ...]:
    """Return the fields, those in front first. A member of another kind than the three is left out."""
    found = [*_fields("params", Params), *_fields("output", Output)]
    return tuple(sorted(found, key=lambda field: not field.in_front))


def _fields(part: str, model: type[BaseModel]) -> Iterator[ParamField]:
    for name, schema in model.model_json_schema()["properties"].items():
        ways = schema.get("anyOf") or schema.get("oneOf") or [schema]
        options = [each for each in ways if each.get("type") != "null"]
        if not options or not all("enum" in each for each in options[1:]):
            continue
        found, *others = options
        words = [word for each in others for word in each["enum"]]
        known = {
            "part": part,
            "name": name,
            "description": schema.get("description", ""),
            "default": schema.get("default"),
            **_method_of(name),
        }
        if "enum" in found:
            yield ParamField(kind="choice", choices=tuple(found["enum"]), **known)
        elif found.get("type") == "boolean":
            yield ParamField(kind="flag", **known)
        elif found.get("type") in NUMBERS:
            yield ParamField(kind="number", word=words[0] if words else None, **_limits(found), **known)


def _limits(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the limits of a number; those of an integer are inclusive."""
    whole = schema["type"] == "integer"
    most = schema.get("maximum")
    if whole and "exclusiveMaximum" in schema:
        most = schema["exclusiveMaximum"] - 1
    return {"minimum": schema.get("minimum"), "maximum": most, "step": "1" if whole else "any"}


def _method_of(name: str) -> dict[str, Any]:
    if name in OF_THE_MODEL:
        return {"method": "fast"}
    if name in OF_THE_MINIMIZATION:
        return {"method": "optimize"}
    return {"method": "optimize", "needs": "losses"} if name in OF_THE_LOSSES else {}
