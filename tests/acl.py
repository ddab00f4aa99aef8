"""The Redis user that docs/8-security.md has an operator make."""

from __future__ import annotations

import re
from pathlib import Path

import redis

PAGE = Path(__file__).resolve().parents[1] / "docs" / "8-security.md"
NAME, PASSWORD = "stylequeue", "of-the-user"


def documented_rules() -> list[str]:
    """Return the words of the page's line, with a password."""
    (line,) = re.findall(r"^    (ACL SETUSER .*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    return str(line).replace(">PASSWORD", f">{PASSWORD}").split()


def make_user(connection: redis.Redis, *changes: str) -> None:
    """Make the user as the page says, and then change it."""
    connection.execute_command(*documented_rules(), *changes)


def as_user(url: str) -> str:
    """Return the URL with which that user gets in."""
    return f"redis://{NAME}:{PASSWORD}@{url.rpartition('@')[2].removeprefix('redis://')}"
