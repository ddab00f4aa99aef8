"""Programs from Debian packages; if one is missing, the tier fails and says what to install."""

from __future__ import annotations

import shutil

import pytest


def program(name: str, package: str) -> str:
    """Return its path."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(
            f"{name} is missing; this tier needs it: apt-get install --no-install-recommends {package}",
            pytrace=False,
        )
    return found
