"""The Redis users that docs/8-security.md tells an operator to make."""

from __future__ import annotations

import re
from pathlib import Path

import redis

PAGE = Path(__file__).resolve().parents[2] / "docs" / "8-security.md"
NAME, PASSWORD = "stylequeue", "of-the-user"
API, WORKER = "stylequeue-api", "stylequeue-worker"
FIRST_WITH_KEYS_TO_READ = 7  # version of Redis; the page says what older versions need


def documented_rules(user: str = NAME) -> list[str]:
    """Return the words of the page's line, with a password."""
    lines = re.findall(r"^    (ACL SETUSER .*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    (line,) = [line for line in lines if line.split()[2] == user]
    return line.replace(">PASSWORD", f">{PASSWORD}").split()


def make_user(connection: redis.Redis, *changes: str, user: str = NAME) -> None:
    """Make the user as the page says, and then change it."""
    rules = documented_rules(user)
    if int(connection.info("server")["redis_version"].partition(".")[0]) < FIRST_WITH_KEYS_TO_READ:
        rules = [rule.replace("%R~", "~") for rule in rules]
    connection.execute_command(*rules, *changes)


def as_user(url: str, user: str = NAME) -> str:
    """Return the URL with which that user gets in."""
    return f"redis://{user}:{PASSWORD}@{url.rpartition('@')[2].removeprefix('redis://')}"
