"""The requirements of these tests; where one is missing they fail with a sentence and do not skip."""

from __future__ import annotations

import os

import pytest


def root() -> None:
    if os.geteuid():
        pytest.fail("this test mounts file systems, makes networks or limits memory, and must be run by root")
