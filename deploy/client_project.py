"""Write the source tree of the distribution `stylequeue-client`: `python deploy/client_project.py FOLDER`.

Programs that use the service have packages named `api`, `client` or `shared` of their own. So the client, and
the modules of `shared` that it imports, are moved into one package `stylequeue`, and their imports with them.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOVED = {"client": "stylequeue", "shared": "stylequeue.shared"}
PROJECT = """\
[build-system]
requires = {requires}
build-backend = "hatchling.build"

[project]
name = "stylequeue-client"
version = {version}
description = "The command and the Python client of stylequeue."
readme = "README.md"
requires-python = {python}
license = {license}
dependencies = {dependencies}

[project.optional-dependencies]
compare = {compare}

[project.scripts]
stylequeue = "stylequeue.entry:main"

[tool.hatch.build]
ignore-vcs = true  # the repository that the project is written in does not keep it

[tool.hatch.build.targets.wheel]
packages = ["stylequeue"]
"""


def write_project(folder: Path) -> None:
    """Replace the folder by a project that any build frontend can build."""
    shutil.rmtree(folder, ignore_errors=True)
    for module in _modules():
        target = folder.joinpath(*_moved(module.relative_to(ROOT).as_posix().split("/")))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_rewritten(module.read_text("utf-8")), "utf-8")
    (folder / "stylequeue" / "py.typed").touch()
    (folder / "pyproject.toml").write_text(_project_file(), "utf-8")
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)


def _project_file() -> str:
    described = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = described["project"]
    extras = {
        name: [each for each in wanted if not each.startswith("stylequeue[")]
        for name, wanted in project["optional-dependencies"].items()
    }
    values = {
        "requires": ["hatchling>=1.27"],
        "version": _version(),
        "python": project["requires-python"],
        "license": project["license"],
        "dependencies": project["dependencies"] + extras["client"],
        "compare": extras["compare"],
    }
    return PROJECT.format(**{name: json.dumps(value) for name, value in values.items()})  # JSON is TOML here


def _version() -> str:
    """Return the version of the service, by which the client is released too."""
    command = [sys.executable, "-m", "hatchling", "version"]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _modules() -> set[Path]:
    """Return the files of the client and of everything that they import from this repository."""
    found: set[Path] = set()
    rest = [ROOT / "shared" / "__init__.py", *(ROOT / "client").rglob("*.py")]
    while rest:
        file = rest.pop()
        if file not in found:
            found.add(file)
            rest += (imported for name in _imports(file) for imported in _files(name))
    return found


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _files(name: str) -> Iterator[Path]:
    """Yield the files of a module of this repository and of its packages; `name` may end with a member."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1) if parts[0] in MOVED else ():
        place = ROOT.joinpath(*parts[:length])
        yield from filter(Path.is_file, (place / "__init__.py", place.with_suffix(".py")))


def _moved(parts: list[str]) -> list[str]:
    return [*MOVED[parts[0]].split("."), *parts[1:]]


def _rewritten(source: str) -> str:
    """Return the source with its imports moved; nothing else changes, so lines stay where they are."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in MOVED:
            moved = ".".join(_moved(node.module.split(".")))
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = line.replace(f"from {node.module} import", f"from {moved} import", 1)
    rewritten = "".join(lines)
    left = [name for node in ast.walk(ast.parse(rewritten)) for name in _names(node) if name in MOVED]
    if left:
        raise ValueError(f"write 'from {left[0]}... import ...' on one line, so that it can be moved")
    return rewritten


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the first part of each name that a statement imports."""
    if isinstance(node, ast.ImportFrom):
        yield (node.module or "").split(".")[0]
    elif isinstance(node, ast.Import):
        yield from (alias.name.split(".")[0] for alias in node.names)


if __name__ == "__main__":
    write_project(Path(sys.argv[1]))
