"""The parts of SCHEME://USER:PASSWORD@HOST:PORT/PATH?WORD=VALUE. No error shows a part of the password."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from shared.policy.hosts import is_host


@dataclass(frozen=True)
class ConnectionUrl:
    """A URL, split into its parts and decoded from %-quoting."""

    scheme: str  # in lower case
    login: Mapping[str, str] = field(repr=False)  # `username` and `password`, if given
    hosts: str  # one host with its port, or several, separated by commas
    path: str
    words: Mapping[str, str] = field(repr=False)  # the query

    @classmethod
    def split(cls, url: str, schemes: Collection[str], forms: str) -> Self:
        """Split a URL.

        Raises:
            ValueError: the URL has none of these schemes, or is ambiguous because its password is not quoted.
        """
        scheme, separator, rest = url.strip().partition("://")
        if not separator or scheme.lower() not in schemes:
            raise ValueError(f"it must look like {forms}")
        target, _, query = rest.partition("?")
        authority, slash, path = target.partition("/")
        if "#" in rest or "@" in path or "@" in query:
            raise ValueError(
                "its user name or password holds one of / ? # @ as it is; a URL needs %2F %3F %23 %40 instead"
            )
        login, _, hosts = authority.rpartition("@")
        words = dict(parse_qsl(query, keep_blank_values=True))
        return cls(scheme.lower(), _login(login), hosts, unquote(slash + path), words)


def host_and_port(entry: str, default_port: int) -> tuple[str, int]:
    """Split HOST or HOST:PORT; an IPv6 address must be in brackets.

    Raises:
        ValueError: the host or the port is malformed.
    """
    if not is_host(entry):
        raise ValueError("its host or port is malformed")
    parts = urlsplit(f"//{entry}")
    return parts.hostname or "", parts.port or default_port


def host_in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def login_in_url(login: Mapping[str, str]) -> str:
    """Return USER:PASSWORD@ in quoted form, or '' if neither is given."""
    user, password = (quote(login.get(name, ""), safe="") for name in ("username", "password"))
    return f"{user}:{password}@" if user or password else ""


def database_number(text: str) -> int:
    """Return the database in the path of a URL, 0 if it names none.

    Raises:
        ValueError: the path is not a number.
    """
    number = text.strip("/") or "0"
    if not (number.isascii() and number.isdecimal()):
        raise ValueError("its database is not a number")
    return int(number)


def _login(text: str) -> dict[str, str]:
    user, _, password = text.partition(":")
    given = {"username": unquote(user), "password": unquote(password)}
    return {name: value for name, value in given.items() if value}
