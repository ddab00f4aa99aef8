"""Write the lists of settings again from the settings: `make settings`.

docs/settings.md has them as a table, .env.example as comments, docker-compose.yml as the variables that it
passes on.
"""

from __future__ import annotations

import re
from pathlib import Path

from shared.settings import PREFIX, Settings
from tests.stacks.compose_files import ENV_EXAMPLE, ROOT

REST = "# --- All other settings, with their defaults ---\n"
ENV_LINE = re.compile(rf"^(#?)({PREFIX}\w+)=(.*)$", re.MULTILINE)
VARIABLES = tuple(PREFIX + name.upper() for name in Settings.model_fields)


def settings_table() -> str:
    """Return every setting with its default and its meaning, as Markdown."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        text = _default(name)
        shown = f"`{text}`" if text else ""
        rows.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows)


def default_lines() -> str:
    """Return the lines of .env.example for the settings that its first part leaves as they are."""
    first_part = ENV_EXAMPLE.read_text("utf-8").partition(REST)[0]
    set_there = {name for mark, name, _ in ENV_LINE.findall(first_part) if not mark}
    lines = []
    for name, field in Settings.model_fields.items():
        if PREFIX + name.upper() not in set_there:
            lines += [f"# {field.description}", f"#{PREFIX}{name.upper()}={_default(name)}"]
    return "\n".join(lines)


def write_all() -> None:
    begin, end = "<!-- settings -->\n", "\n<!-- /settings -->"
    _replace(ROOT / "docs/settings.md", f"(?s)(?<={begin}).*(?={end})", settings_table())
    _replace(ENV_EXAMPLE, f"(?s)(?<={REST}\n).*", default_lines() + "\n")
    compose = ROOT / "docker-compose.yml"
    passed = dict(re.findall(rf"^  ({PREFIX}\w+):(.*)$", compose.read_text("utf-8"), re.MULTILINE))
    lines = "".join(f"  {name}:{passed.get(name, '')}\n" for name in VARIABLES)
    _replace(compose, rf"(?<=x-settings: &settings\n)(?:  {PREFIX}\w+:.*\n)+", lines)


def _default(name: str) -> str:
    default = Settings.model_fields[name].default
    text = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
    text = text.lower() if isinstance(default, bool) else text
    return "" if default is None else text.replace(str(Path.home()), "~")


def _replace(path: Path, pattern: str, text: str) -> None:
    replaced, times = re.subn(pattern, lambda _: text, path.read_text("utf-8"))
    if times != 1:
        raise SystemExit(f"{path} has no place for the settings")
    path.write_text(replaced, "utf-8")


if __name__ == "__main__":
    write_all()
