"""The options of `stylequeue worker`."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from shared.settings import Settings
from worker.command import MAX_PROCESSES, worker


def test_the_help_names_the_lanes_that_a_worker_serves_by_default() -> None:
    lanes = ",".join(Settings.from_environment({}).worker_lanes)
    text = " ".join(CliRunner().invoke(worker, ["--help"]).output.split())
    assert f"else {lanes}." in text
    assert "optimize" not in lanes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--processes", "0"], f"0 is neither auto nor a number from 1 to {MAX_PROCESSES}"),
        (["--lanes", "high,low"], "low"),
    ],
)
def test_a_wrong_option_is_named(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(worker, arguments)
    assert result.exit_code == 2
    assert message in result.output
