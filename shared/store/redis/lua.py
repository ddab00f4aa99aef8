"""Put Lua scripts together with the library parts that they include."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from shared.policy.object_keys import (
    THUMBNAIL_ABOVE,
    key_of_upload,
    preview_key,
    result_key,
    results_key,
    thumbnail_key,
)
from shared.scheduling.cost import SECONDS_OF_ONE, USUAL_COST
from shared.wire.descriptors import Lane
from shared.wire.operations.account_records import ACCOUNT_DAYS
from shared.wire.records import FINAL, TRANSITIONS, JobStatus

FOLDER = Path(__file__).resolve().parents[1] / "lua"
LIBRARY = FOLDER / "lib"
FILES = {path.stem: path for path in sorted(FOLDER.rglob("*.lua"))}
INCLUDE = re.compile(r"^--- include (.+)$", re.MULTILINE)
FUNCTION = re.compile(r"^local function (\w+)\((?:.* end|.*\n(?: .*\n)*end)\n", re.MULTILINE)


def script_text(name: str) -> str:
    """Return a script behind the parts that it includes, directly or through other parts.

    Lines of comment are left out, and functions that nothing calls: Redis makes all functions of a script
    anew each time it runs.
    """
    lines = [line for part in parts_of(name) for line in part_text(part).splitlines()]
    code = "".join(f"{line}\n" for line in lines if line and not line.startswith("--"))
    while (used := _without_unused_functions(code)) != code:
        code = used
    return code


def _without_unused_functions(code: str) -> str:
    times = Counter(re.findall(r"\w+", code))
    return FUNCTION.sub(lambda function: function[0] if times[function[1]] > 1 else "", code)


def parts_of(name: str) -> list[str]:
    """Return the names of what a script consists of, each once and after all that it includes."""
    found: dict[str, None] = {}

    def add(part: str) -> None:
        for included in includes_of(part):
            if included not in found:
                add(included)
        found[part] = None

    add(name)
    return list(found)


def includes_of(part: str) -> list[str]:
    """Return the names in a part's lines `--- include`; those in capitals are facts."""
    return [name for names in INCLUDE.findall(part_text(part)) for name in names.split(", ")]


def part_text(part: str) -> str:
    return FACTS[part] if part in FACTS else FILES[part].read_text("utf-8")


def _set(statuses: Iterable[JobStatus]) -> str:
    return "{ " + ", ".join(f"{status} = true" for status in sorted(statuses)) + " }"


def _names(build: Callable[..., str], *parameters: str) -> str:
    """Return a Lua function that builds the same text as a function here."""
    text = build(*(f"' .. {parameter} .. '" for parameter in parameters))
    whole = f"'{text}'".removesuffix(" .. ''")
    return f"local function {build.__name__}({', '.join(parameters)}) return {whole} end"


_LEGAL = ",\n".join(f"{status} = {_set(following)}" for status, following in TRANSITIONS.items())
FACTS = {
    "LANES": "local LANES = { " + ", ".join(f"'{lane}'" for lane in Lane) + " }",
    "USUAL_COST": f"local USUAL_COST = {USUAL_COST}",
    "ACCOUNT_DAYS": f"local ACCOUNT_DAYS = {ACCOUNT_DAYS}",
    "MS_OF_ONE": f"local MS_OF_ONE = {1000 * SECONDS_OF_ONE:g}",
    "LEGAL": f"local LEGAL = {{ {_LEGAL} }}",
    "FINAL": f"local FINAL = {_set(FINAL)}",
    "THUMBNAIL_ABOVE": f"local THUMBNAIL_ABOVE = {THUMBNAIL_ABOVE}",
    "OBJECT_KEYS": "\n".join(
        (
            _names(key_of_upload, "upload"),
            _names(preview_key, "owner", "job_id"),
            _names(thumbnail_key, "owner", "job_id"),
            _names(result_key, "owner", "job_id", "extension"),
            _names(results_key, "owner", "batch_id", "name"),
        )
    ),
}
