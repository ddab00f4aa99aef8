"""Each Lua script includes what it uses and nothing else, and says truly whether it only reads."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from shared.store.redis.lua import (
    FACTS,
    FILES,
    FOLDER,
    LIBRARY,
    includes_of,
    part_text,
    parts_of,
    script_text,
)

STORES = FOLDER.parent
SCRIPTS = sorted(name for name, path in FILES.items() if LIBRARY not in path.parents)
READ_COMMANDS = {
    *("EXISTS", "GET", "HEXISTS", "HGET", "HGETALL", "HKEYS", "HMGET", "HVALS", "LLEN", "SCARD", "SISMEMBER"),
    *("SMEMBERS", "SMISMEMBER", "TIME", "ZCARD", "ZCOUNT", "ZLEXCOUNT", "ZRANGE", "ZRANGEBYLEX"),
    *("ZRANGEBYSCORE", "ZRANK", "ZREVRANGEBYLEX", "ZREVRANGEBYSCORE", "ZSCORE"),
}
TOKEN = re.compile(r"--[^\n]*|'(?:\\.|[^'\\])*'|\.\.|\w+|\S")
HEADER = re.compile(
    r"-- [A-Z]\w+s[ ,].*\n(-- .*\n)?"
    r"-- ARGV: .*\n(-- .*\n)*"
    r"-- Returns .*\n(-- .*\n)*"
    r"(--- read only\n)?(--- include .*\n)*\w"
)
DEFINITION = re.compile(r"^local (?:function )?(\w+)", re.MULTILINE)


def definitions(part: str) -> set[str]:
    """Return the names that a part offers to what includes it."""
    return set(DEFINITION.findall(part_text(part)))


def names_in(part: str) -> Counter[str]:
    """Count the names in a part's code, without comments, texts and members of tables."""
    tokens = [token for token in TOKEN.findall(part_text(part)) if not token.startswith(("--", "'"))]
    return Counter(
        token for before, token in zip(["", *tokens], tokens, strict=False) if before not in (".", ":")
    )


def commands_of(name: str) -> set[str]:
    return set(re.findall(r"'([A-Z]{3,})'", "".join(re.findall(r"redis\.call\(([^,)]*)", script_text(name)))))


def test_no_two_files_have_the_same_name() -> None:
    assert Counter(path.stem for path in FOLDER.rglob("*.lua")).most_common(1)[0][1] == 1
    assert not FACTS.keys() & FILES.keys()


@pytest.mark.parametrize("part", FILES)
def test_a_file_includes_exactly_the_parts_whose_names_it_uses(part: str) -> None:
    library = {*FACTS, *(name for name, path in FILES.items() if LIBRARY in path.parents)}
    used = names_in(part).keys() - definitions(part)
    needed = {other for other in library - {part} if definitions(other) & used}
    assert sorted(includes_of(part)) == sorted(needed)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_two_parts_of_a_script_define_the_same_name(name: str) -> None:
    defined = Counter(word for part in parts_of(name) for word in definitions(part))
    assert [word for word, times in defined.items() if times > 1] == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_begins_with_what_it_does_its_arguments_and_what_it_returns(name: str) -> None:
    assert HEADER.match(part_text(name))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_marked_read_only_if_and_only_if_it_runs_no_command_that_writes(name: str) -> None:
    """A script that includes a part which writes counts as writing, even if it calls only what reads."""
    marked = "--- read only\n" in part_text(name)
    assert marked == (commands_of(name) <= READ_COMMANDS)


def test_every_script_is_run_by_a_store() -> None:
    stores = "".join(path.read_text("utf-8") for path in STORES.rglob("*.py"))
    assert [name for name in SCRIPTS if f'"{name}"' not in stores] == []


def test_every_name_of_the_library_is_used() -> None:
    times = sum(map(names_in, FILES), Counter[str]())
    library = [name for name, path in FILES.items() if LIBRARY in path.parents]
    unused = [word for part in library for word in definitions(part) if times[word] == 1]
    assert unused == []


@pytest.mark.parametrize("part", FILES)
def test_keys_are_built_in_one_file(part: str) -> None:
    assert "PREFIX" not in names_in(part) or part == "keys"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_sent_with_only_the_keys_that_it_uses(name: str) -> None:
    text = script_text(name)
    keys = [word for word in definitions("keys") if word in text and word != "PREFIX"]
    assert [word for word in keys if len(re.findall(rf"\b{word}\b", text)) == 1] == []
    assert not re.search("^--", text, re.MULTILINE)
