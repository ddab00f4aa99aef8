"""Options of all commands, including the plugins': one value each, unless they say otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from client.command import main
from shared.command_line.options import Option
from tests.unit.client_server import URL

NOWHERE = "http://127.0.0.1:1"
REFUSED = [
    ["--api", NOWHERE, "--api", NOWHERE, "jobs"],
    ["submit", "--style", URL, "--out", "out", URL, "--alpha", "1", "--alpha", "0.5"],
    ["submit", "--style", URL, "--out", "out", URL, "--alpha=1", "--alpha=1"],
    ["submit", "--style", URL, "--out", "out", URL, "--out", "more"],
    ["batch", "results", "b1", "--limit", "1", "--limit", "2"],
    ["top", "--every", "1", "--every", "2"],
    ["up", "--port", "0", "--port", "1"],
    ["worker", "--processes", "1", "--processes", "auto"],
    ["keys", "create", "me", "--name", "a", "--name", "b"],
    ["simulate", "--arrivals", "poisson:1/s", "--service", "fixed:1", "--seed", "1", "--seed", "2"],
]


def commands(group: click.Group, path: str = "stylequeue") -> Iterator[tuple[str, click.Command]]:
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_every_option_of_every_command_knows_how_often_it_may_be_given() -> None:
    silent = [
        f"{path} {option.opts[-1]}"
        for path, command in commands(main)
        for option in command.params
        if isinstance(option, click.Option) and not isinstance(option, Option)
    ]
    assert silent == []


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_a_second_value_is_a_usage_error_and_nothing_is_done(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2, result.output
    names = [word.partition("=")[0] for word in arguments if word.startswith("--")]
    assert f"{names[-1]} was given 2 times; it takes one value" in " ".join(result.output.split())
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_is_given_twice_is_not_printed() -> None:
    result = CliRunner().invoke(main, ["--api-key", "sq_secret", "--api-key", "sq_other", "jobs"])
    assert result.exit_code == 2
    assert "sq_" not in result.output


def test_styles_may_be_many_and_flags_may_be_repeated() -> None:
    words = [
        "--api",
        NOWHERE,
        "submit",
        URL,
        "--style",
        URL,
        "--style",
        "s3://b/other.png",
        "--losses",
        "--losses",
    ]
    result = CliRunner().invoke(main, [*words, "--out", "out", "--lane", "high", "--help"])
    assert result.exit_code == 0, result.output
