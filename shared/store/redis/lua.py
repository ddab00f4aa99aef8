"""Put Lua scripts together with the library parts that they include."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from shared.scheduling.cost import SECONDS_OF_ONE, USUAL_COST
from shared.wire.descriptors import Lane
from shared.wire.records import FINAL, TRANSITIONS, JobStatus

FOLDER = Path(__file__).resolve().parents[1] / "lua"
LIBRARY = FOLDER / "lib"
FILES = {path.stem: path for path in sorted(FOLDER.rglob("*.lua"))}
INCLUDE = re.compile(r"^--- include (.+)$", re.MULTILINE)


def script_text(name: str) -> str:
    """Return a script behind the parts that it includes, directly or through other parts."""
    return "\n".join(map(part_text, parts_of(name)))


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
    """Return the names in a part's line `--- include`; those in capitals are facts."""
    line = INCLUDE.search(part_text(part))
    return line[1].split(", ") if line else []


def part_text(part: str) -> str:
    return FACTS[part] if part in FACTS else FILES[part].read_text("utf-8")


def _set(statuses: Iterable[JobStatus]) -> str:
    return "{ " + ", ".join(f"{status} = true" for status in sorted(statuses)) + " }"


FACTS = {
    name: f"local {name} = {value}"
    for name, value in {
        "LANES": "{ " + ", ".join(f"'{lane}'" for lane in Lane) + " }",
        "USUAL_COST": str(USUAL_COST),
        "MS_OF_ONE": f"{1000 * SECONDS_OF_ONE:g}",
        "LEGAL": "{ "
        + ", ".join(f"{status} = {_set(next_)}" for status, next_ in TRANSITIONS.items())
        + " }",
        "FINAL": _set(FINAL),
    }.items()
}
