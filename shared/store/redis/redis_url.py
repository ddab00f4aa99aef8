"""STYLEQUEUE_REDIS_URL, read once for both libraries: redis-py for records, kombu for messages.

redis://USER:PASSWORD@HOST:PORT/DATABASE          valkey:// is the same
rediss://...?ssl_ca_certs=FILE                    with TLS; valkeys:// is the same
unix://USER:PASSWORD@/PATH?db=DATABASE            Celery's redis+socket:// is the same
sentinel://...                                    shared/store/redis/sentinel.py
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote

from shared.configuration.connection_url import (
    ConnectionUrl,
    database_number,
    host_and_port,
    host_in_url,
    login_in_url,
)
from shared.store.redis.sentinel import SCHEME, SentinelUrl

PLAIN, TLS, SOCKET = ("redis", "valkey"), ("rediss", "valkeys"), ("unix", "redis+socket", "socket")
DEFAULT_HOST, DEFAULT_PORT = "localhost", 6379
DATABASE_WORDS = ("db", "virtual_host")  # redis-py's word and kombu's
VERIFICATION = ("none", "optional", "required")
TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
FORMS = "redis://HOST:PORT/0, rediss://HOST:PORT/0, unix:///PATH or sentinel://HOST:PORT/0?master=NAME"


@dataclass(frozen=True)
class RedisUrl:
    """One Redis server, by its host and port or by the path of its Unix socket."""

    host: str
    port: int
    socket_path: str  # empty: the server is reached by host and port
    database: int
    login: Mapping[str, str] = field(repr=False)  # username and password, if given
    tls: Mapping[str, Any] = field(repr=False)  # redis-py's options, which kombu passes on; empty: no TLS

    @classmethod
    def parse(cls, url: str) -> Self:
        """
        Raises:
            ValueError: the URL is malformed; the message is one sentence and shows no secret.
        """
        parts = ConnectionUrl.split(url, (*PLAIN, *TLS, *SOCKET), FORMS)
        is_socket = parts.scheme in SOCKET
        if is_socket and (parts.hosts or not parts.path.strip("/")):
            raise ValueError("the path of a Unix socket begins with a slash: unix:///PATH")
        words = dict(parts.words)
        database = _database("" if is_socket else parts.path, words)
        tls = _tls(words, wanted=parts.scheme in TLS)
        without_host = parts.hosts[:1] in ("", ":")
        host, port = host_and_port(DEFAULT_HOST * without_host + parts.hosts, DEFAULT_PORT)
        return cls(host, port, parts.path if is_socket else "", database, parts.login, tls)

    def client_options(self) -> dict[str, Any]:
        """Return redis-py's options: the server, the login, and TLS."""
        target = {"path": self.socket_path} if self.socket_path else {"host": self.host, "port": self.port}
        return {**target, "db": self.database, **self.login, **self.tls}

    def broker_url(self) -> str:
        """Return Celery's URL. The options of TLS go beside it (`broker_use_ssl`)."""
        login = login_in_url(self.login)
        if self.socket_path:
            return f"redis+socket://{login}{quote(self.socket_path)}?virtual_host={self.database}"
        scheme = "rediss" if self.tls else "redis"
        return f"{scheme}://{login}{host_in_url(self.host)}:{self.port}/{self.database}"


def read_redis_url(url: str) -> RedisUrl | SentinelUrl:
    """
    Raises:
        ValueError: as `RedisUrl.parse` does.
    """
    is_sentinel = url.strip().lower().startswith(f"{SCHEME}://")
    return SentinelUrl.parse(url) if is_sentinel else RedisUrl.parse(url)


def _database(path: str, words: dict[str, str]) -> int:
    """Take the database's words out of `words`. The path may also name the database."""
    named = {database_number(words.pop(word)) for word in DATABASE_WORDS if word in words}
    if path.strip("/"):
        named.add(database_number(path))
    if len(named) > 1:
        raise ValueError("it names two databases")
    return named.pop() if named else 0


def _tls(words: Mapping[str, str], *, wanted: bool) -> dict[str, Any]:
    if unknown := words.keys() - TLS_WORDS.keys():
        raise ValueError(f"there is no '{min(unknown)}' in such a URL")
    if words and not wanted:
        raise ValueError(f"{min(words)} needs TLS: rediss://")
    given = {word: TLS_WORDS[word](word, value) for word, value in words.items()}
    return {"ssl_cert_reqs": "required", "ssl_check_hostname": True, **given} if wanted else {}


def _verification(word: str, value: str) -> str:
    """Return the level in redis-py's spelling; Celery writes CERT_NONE."""
    level = value.lower().removeprefix("cert_")
    if level not in VERIFICATION:
        raise ValueError(f"{word} is {', '.join(VERIFICATION[:-1])} or {VERIFICATION[-1]}")
    return level


def _truth(word: str, value: str) -> bool:
    if value.lower() not in TRUTH:
        raise ValueError(f"{word} is true or false")
    return TRUTH[value.lower()]


def _readable(word: str, value: str) -> str:
    if not os.access(value, os.R_OK):
        raise ValueError(f"{word} names '{value}', which this process cannot read")
    return value


def _text(_: str, value: str) -> str:
    return value


TLS_WORDS: Mapping[str, Callable[[str, str], Any]] = {
    "ssl_cert_reqs": _verification,
    "ssl_check_hostname": _truth,
    **dict.fromkeys(("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"), _readable),
    **dict.fromkeys(("ssl_ca_data", "ssl_ciphers", "ssl_password"), _text),
}
