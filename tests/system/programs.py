"""Programs that come as Debian packages; without one the tier fails and says what to install."""

from __future__ import annotations

import shutil

import pytest


def program(name: str, package: str) -> str:
    """Its path."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(
            f"{name} is missing; this tier needs it: apt-get install --no-install-recommends {package}",
            pytrace=False,
        )
    return found
