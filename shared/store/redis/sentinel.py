"""The URL of a Redis behind Sentinel: the sentinels to ask, and the master's name.

    sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT,.../DATABASE?master=NAME&sentinel_password=...

User and password are those of the master and of its replicas. The sentinels' own, if they have any, are
`sentinel_username` and `sentinel_password`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from shared.configuration.connection_url import (
    ConnectionUrl,
    database_number,
    host_and_port,
    host_in_url,
    login_in_url,
)

SCHEME = "sentinel"
FORM = "sentinel://HOST:PORT,HOST:PORT/0?master=NAME"
SENTINEL_PORT = 26379
ASK_SECONDS = 0.5  # for one sentinel, then the next is asked; a request waits for all of them
OWN_WORDS = {"sentinel_username": "username", "sentinel_password": "password"}


@dataclass(frozen=True)
class SentinelUrl:
    """The parts of such a URL."""

    sentinels: tuple[tuple[str, int], ...]
    master: str
    database: int
    master_login: Mapping[str, str] = field(repr=False)  # username and password, if they are given
    sentinel_login: Mapping[str, str] = field(repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """
        Raises:
            ValueError: the URL is malformed; the message is one sentence and shows no secret.
        """
        parts = ConnectionUrl.split(url, (SCHEME,), FORM)
        words = dict(parts.words)
        master = words.pop("master", "")
        if not master:
            raise ValueError(f"it names no master: {FORM}")
        if unknown := words.keys() - OWN_WORDS.keys():
            raise ValueError(f"there is no '{min(unknown)}' in a sentinel:// URL")
        sentinel_login = {OWN_WORDS[word]: value for word, value in words.items()}
        sentinels = tuple(host_and_port(entry, SENTINEL_PORT) for entry in parts.hosts.split(","))
        return cls(sentinels, master, database_number(parts.path), parts.login, sentinel_login)

    def broker_urls(self) -> str:
        """Return Celery's form: a URL for each sentinel, all with the master's password."""
        login = login_in_url(self.master_login)
        return ";".join(
            f"{SCHEME}://{login}{host_in_url(host)}:{port}/{self.database}" for host, port in self.sentinels
        )

    def sentinel_options(self) -> dict[str, Any]:
        """Return the options of the connections to the sentinels themselves."""
        return {**self.sentinel_login, "socket_timeout": ASK_SECONDS, "socket_connect_timeout": ASK_SECONDS}
