from __future__ import annotations

from tests.faults.conftest import chance, crowd, stack

__all__ = [
    "chance",
    "crowd",
    "stack",
]  # the fixtures of the faults, for those that need root or Debian packages
