"""What these tests need of the machine; where it is missing they fail with a sentence and do not skip."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str, package: str) -> str:
    """The path of a program that a Debian package brings."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is missing: apt-get install -y --no-install-recommends {package}")
    return path


def root() -> None:
    if os.geteuid():
        pytest.fail("this test mounts file systems, makes networks or limits memory, and must be run by root")
