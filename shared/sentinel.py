"""Redis behind Sentinel: which sentinels to ask, and for which master.

    sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT,.../DATABASE?master=NAME&sentinel_password=...

User and password are the master's, and those of the replica that takes its place. The sentinels' own are
`sentinel_username` and `sentinel_password`, if they ask for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

SCHEME = "sentinel://"
SENTINEL_PORT = 26379
ASK_SECONDS = 0.5  # for one sentinel; the next is asked then, and a request waits for all of that
OWN_WORDS = {"sentinel_username": "username", "sentinel_password": "password"}


@dataclass(frozen=True)
class SentinelUrl:
    """What such a URL says."""

    sentinels: tuple[tuple[str, int], ...]
    master: str
    database: int
    master_login: Mapping[str, str] = field(repr=False)  # username and password, if they are given
    sentinel_login: Mapping[str, str] = field(repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """
        Raises:
            ValueError: it is none; the message says why, and shows no password.
        """
        parts = urlsplit(url)
        login, _, hosts = parts.netloc.rpartition("@")
        words = dict(parse_qsl(parts.query))
        master = words.pop("master", "")
        if not master:
            raise ValueError("it names no master: sentinel://HOST:PORT,HOST:PORT/0?master=NAME")
        if unknown := words.keys() - OWN_WORDS.keys():
            raise ValueError(f"there is no '{min(unknown)}' in a sentinel:// URL")
        database = parts.path.strip("/") or "0"
        if not database.isdecimal():
            raise ValueError(f"'{database}' is no number of a database")
        sentinel_login = {OWN_WORDS[word]: value for word, value in words.items()}
        sentinels = tuple(map(_host_and_port, hosts.split(",")))
        return cls(sentinels, master, int(database), _login(login), sentinel_login)

    def broker_urls(self) -> str:
        """As Celery wants it: a URL for each sentinel, all with the master's password."""
        user, password = (
            quote(self.master_login.get(name, ""), safe="") for name in ("username", "password")
        )
        login = f"{user}:{password}@" if user or password else ""
        return ";".join(
            f"{SCHEME}{login}{f'[{host}]' if ':' in host else host}:{port}/{self.database}"
            for host, port in self.sentinels
        )

    def sentinel_options(self) -> dict[str, Any]:
        """Of the connections to the sentinels themselves."""
        return {**self.sentinel_login, "socket_timeout": ASK_SECONDS, "socket_connect_timeout": ASK_SECONDS}


def _login(text: str) -> dict[str, str]:
    user, _, password = text.partition(":")
    given = {"username": unquote(user), "password": unquote(password)}
    return {name: value for name, value in given.items() if value}


def _host_and_port(entry: str) -> tuple[str, int]:
    host = urlsplit(f"//{entry}")
    if not host.hostname:
        raise ValueError("a sentinel has no name: sentinel://HOST:PORT,HOST:PORT/0?master=NAME")
    return host.hostname, host.port or SENTINEL_PORT
