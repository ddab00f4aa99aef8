"""A Redis server with TLS, and beside it a plain port by which a test sees what has reached it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from local.binaries import on_path
from shared.store.redis.connection import connect
from tests.checks.acl import NAME, PASSWORD, make_user
from tests.stacks.ports import free_port
from tests.stacks.servers import running_redis
from tests.system.hosts.certificates import Authority, Certificate


@dataclass(frozen=True)
class TlsRedis:
    port: int
    admin: redis.Redis

    def url(self, user: str = NAME, **words: object) -> str:
        """Return the URL of a documented user, with options of TLS."""
        query = "&".join(f"{word}={value}" for word, value in words.items())
        return f"rediss://{user}:{PASSWORD}@127.0.0.1:{self.port}/0?{query}"

    def logins(self) -> int:
        """Return how often somebody has sent a greeting, with a password or without."""
        stats = self.admin.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("hello", "auth"))


@contextmanager
def running_tls_redis(
    folder: Path,
    authority: Authority,
    certificate: Certificate,
    *options: str,
    asks_clients: bool = False,
) -> Iterator[TlsRedis]:
    """Run it; with `asks_clients` it lets in only clients with a certificate of the authority."""
    port = free_port()
    tls = {
        "--tls-port": port,
        "--tls-cert-file": certificate.file,
        "--tls-key-file": certificate.key_file,
        "--tls-ca-cert-file": authority.file,
        "--tls-auth-clients": "yes" if asks_clients else "no",
    }
    words = [str(word) for option in tls.items() for word in option]
    with running_redis(folder, *words, *options, program=redis_program()) as url, connect(url) as admin:
        make_user(admin)
        yield TlsRedis(port, admin)


def redis_program() -> Path:
    """Return the first server on PATH that was built with TLS; that of a Python package is not."""
    for program in on_path("redis-server", "valkey-server"):
        if _knows_tls(program):
            return program
    pytest.fail("this tier needs Redis with TLS: apt-get install --no-install-recommends redis-server")


def _knows_tls(program: Path) -> bool:
    """Return whether a server knows TLS: an invalid port ends both kinds at once, with different words."""
    asked = subprocess.run(
        [program, "--tls-port", "none"], capture_output=True, text=True, timeout=20, check=False
    )
    return "Bad directive" not in asked.stdout + asked.stderr
