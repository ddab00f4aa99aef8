"""Check the Lua scripts with luacheck, each behind the parts that it includes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from shared.store.redis.lua import FILES, LIBRARY, part_text, parts_of

ROOT = Path(__file__).resolve().parents[2]
MISSING = (
    "make lint needs luacheck: apt-get install lua-check (Debian, Ubuntu), brew install luacheck (macOS), "
    "or luarocks install luacheck"
)
FINDING = re.compile(r"^.*?([^/]+)\.lua:(\d+):(\d+): (.*)$", re.MULTILINE)
UNUSED = "unused function"  # in a part: it counts if no script uses it


def main() -> None:
    luacheck = shutil.which("luacheck")
    if luacheck is None:
        sys.exit(MISSING)
    scripts = [name for name, path in FILES.items() if LIBRARY not in path.parents]
    with tempfile.TemporaryDirectory() as folder:
        for name in scripts:
            (Path(folder) / f"{name}.lua").write_text("\n".join(map(part_text, parts_of(name))), "utf-8")
        command = [luacheck, folder, "--config", ROOT / ".luacheckrc", "--formatter", "plain", "--no-cache"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode > 1 and not FINDING.search(done.stdout):
        sys.exit(done.stdout + done.stderr)
    if findings := _findings(scripts, done.stdout):
        sys.exit("\n".join(findings))


def _findings(scripts: list[str], output: str) -> list[str]:
    """Return what luacheck found, with the file and the line in which it stands."""
    found_in = defaultdict(set)
    for name, line, column, sentence in FINDING.findall(output):
        part, own_line = _place(name, int(line))
        found_in[part, own_line, int(column), sentence].add(name)
    return [
        f"{FILES[part].relative_to(ROOT)}:{line}:{column}: {sentence}"
        for (part, line, column, sentence), names in sorted(found_in.items())
        if part in FILES
        and (UNUSED not in sentence or names == {name for name in scripts if part in parts_of(name)})
    ]


def _place(name: str, line: int) -> tuple[str, int]:
    """Return the part of a script in which a line of its whole text stands, and the line there."""
    for part in parts_of(name):
        length = part_text(part).count("\n") + 1
        if line <= length:
            return part, line
        line -= length
    raise ValueError(f"{name} has no line {line}")


if __name__ == "__main__":
    main()
