"""Commands of other parts of the project, which must cost nothing until they are run."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from client.command import RUN, main
from client.commands.plugins import GROUP
from tests.unit.command_service import ROOT


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package `paintshop` that announces two commands; the path of the first one's module."""
    package = tmp_path / "site" / "paintshop"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    information = tmp_path / "site" / "paintshop-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: paintshop\nVersion: 1\n")
    points = "[stylequeue.commands]\nmix = paintshop.mixing:mix\nlost = paintshop.missing:lost\n"
    (information / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield package / "mixing.py"
    for name in [name for name in sys.modules if name.startswith("paintshop")]:
        del sys.modules[name]


MIXING = '''
import click

@click.command()
def mix():
    """Stir the colors."""
    click.echo("mixed")
'''


def test_the_help_names_a_plugin_without_importing_it(plugin: Path) -> None:
    plugin.write_text(MIXING)
    output = CliRunner().invoke(main, ["--help"]).output
    lines = {line.split()[0]: line for line in output.splitlines() if line.startswith("  ")}
    for stranger in ("mix", "lost"):
        assert "Comes with the extra 'paintshop'." in lines[stranger]
    assert "Show one job." in lines["status"]
    assert not [name for name in sys.modules if name.startswith("paintshop")]


def test_the_help_table_says_what_the_plugins_say() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]["stylequeue.commands"]
    commands = {name: metadata.EntryPoint(name, point, GROUP).load() for name, point in points.items()}
    first = {name: command.get_short_help_str(1_000) for name, command in commands.items()}
    assert {
        name: click.Command(name, help=text).get_short_help_str(1_000) for name, text in RUN.items()
    } == first


def test_the_help_has_each_command_once_in_sections_and_a_strangers_last(plugin: Path) -> None:
    plugin.write_text(MIXING)
    output = CliRunner().invoke(main, ["--help"]).output
    commands = [
        line.split()[0] for line in output.splitlines() if line.startswith("  ") and line[2].isalpha()
    ]
    listed = commands[commands.index("submit") :]
    assert listed[-2:] == ["lost", "mix"]
    assert len(listed) == len(set(listed))
    assert set(listed) == set(main.list_commands(click.Context(main)))
    assert output.index("Paint:") < output.index("Watch and steer the service:") < output.index("More:")


def test_a_plugin_is_imported_when_it_is_run(plugin: Path) -> None:
    plugin.write_text(MIXING)
    assert CliRunner().invoke(main, ["mix"]).output == "mixed\n"


def test_a_plugin_that_lacks_a_dependency_names_the_extra_to_install(plugin: Path) -> None:
    plugin.write_text("import a_package_that_nobody_has\n")
    result = CliRunner().invoke(main, ["mix"])
    assert result.exit_code == 1
    assert "No module named 'a_package_that_nobody_has'" in result.output
    assert "pip install -e '.[paintshop]'" in result.output


def test_an_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(main, ["paint"]).exit_code == 2


def test_the_help_loads_nothing_heavy() -> None:
    service = ["celery", "redis", "boto3", "botocore", "flask", "tensorflow"]
    forbidden = [*service, "numpy", "PIL", "api", "worker", "local"]
    program = (
        "import sys; from client.command import main; main(['--help'], standalone_mode=False); "
        f"print([name for name in {forbidden} if name in sys.modules])"
    )
    command = [sys.executable, "-c", program]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[-1] == "[]"
