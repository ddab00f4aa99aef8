"""A virtual environment with a wheel of ours, and with links to what the wheel declares to need."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
DOWNLOADS = bool(os.environ.get("DOWNLOADS"))  # make test-wheel
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def run(*words: object, cwd: Path = ROOT, **environment: str) -> str:
    """Run a command without this test's environment and return what it prints."""
    command = list(map(str, words))
    environment = {**ENVIRONMENT, **environment}
    done = subprocess.run(command, check=False, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(project: Path, into: Path) -> Path:
    """Return the wheel of a project."""
    run(
        *PIP,
        "wheel",
        "--quiet",
        "--no-build-isolation",
        "--no-deps",
        "--no-index",
        "--wheel-dir",
        into,
        project,
    )
    (built,) = into.glob("*.whl")
    return built


def install(wheel: Path, folder: Path, *extras: str) -> Path:
    """Make the environment and return the folder of its programs.

    pip installs the wheel. The other packages are links to this test's environment: those that the wheel
    declares for these extras, and theirs. Nothing else can be imported. Or, with DOWNLOADS, pip installs all.
    """
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    programs = folder / "bin"
    if DOWNLOADS:
        wanted = f"{wheel}[{','.join(extras)}]"
        here = dict(os.environ)  # the index may be set there
        run(*PIP, "--python", programs / "python", "install", "-c", ROOT / "constraints.txt", wanted, **here)
        return programs
    run(*PIP, "--python", programs / "python", "install", "--no-deps", "--no-index", wheel)
    (packages,) = folder.glob("lib/python*/site-packages")
    (described,) = packages.glob("stylequeue*.dist-info")
    for found in _needed(metadata.PathDistribution(described), {"", *extras}):
        for file in found.files or ():
            _link(found, file, packages)
    return programs


def _link(found: metadata.Distribution, file: metadata.PackagePath, packages: Path) -> None:
    """Link a package's folder or module, or a program that lies outside of these."""
    part = file if file.parts[0] == ".." else Path(file.parts[0])
    place = Path(os.path.normpath(packages / part))
    there = Path(os.path.normpath(str(found.locate_file(str(part)))))
    if there.exists() and not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(there)


def _needed(wheel: metadata.Distribution, extras: set[str]) -> Iterator[metadata.Distribution]:
    own = canonicalize_name(wheel.metadata["Name"])
    seen: set[tuple[str, str]] = set()
    rest: list[tuple[metadata.Distribution, set[str]]] = [(wheel, extras)]
    while rest:
        distribution, chosen = rest.pop()
        for requirement in map(Requirement, distribution.requires or ()):
            marker = requirement.marker
            key = (canonicalize_name(requirement.name), ",".join(sorted(requirement.extras)))
            if key in seen or (marker and not any(marker.evaluate({"extra": one}) for one in chosen)):
                continue
            seen.add(key)
            found = wheel if key[0] == own else metadata.distribution(requirement.name)
            assert found is wheel or found.version in requirement.specifier
            rest.append((found, {"", *requirement.extras}))
            if found is not wheel:
                yield found
