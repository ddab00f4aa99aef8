"""Small pictures to try the service with; LICENSES.md names their authors and licenses."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def content_paths() -> list[Path]:
    return _pictures("content")


def style_paths() -> list[Path]:
    return _pictures("style")


def _pictures(folder: str) -> list[Path]:
    return sorted(Path(str(files("samples"))).joinpath(folder).glob("*.jpg"))
