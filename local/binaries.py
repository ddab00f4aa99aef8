"""Finds the servers' programs on PATH, or inside the PyPI packages that ship them."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from worker.supervision.errors import StackError


def on_path(*names: str) -> Iterator[Path]:
    """Yield the named programs that are on PATH: by the order of its folders, then of the names."""
    places = ((folder, name) for folder in os.get_exec_path() for name in names)
    yield from (Path(found) for folder, name in places if (found := shutil.which(name, path=folder)))


def in_package(package: str, name: str) -> Iterator[Path]:
    """Yield the named programs among a package's installed files, without importing the package."""
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        return
    for file in files:
        program = Path(str(file.locate())).resolve()
        if file.name == name and os.access(program, os.X_OK):
            yield program


def first(candidates: Iterator[Path], advice: str) -> Path:
    """Return the first candidate.

    Raises:
        StackError: there is no candidate; `advice` says how to get one.
    """
    found = next(candidates, None)
    if found is None:
        raise StackError(advice)
    return found
