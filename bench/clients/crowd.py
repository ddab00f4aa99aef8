"""Very many clients that wait for one job: `python -m bench.clients.crowd URL SIZE`.

A line on the input is a path to ask for. All clients ask at once, each over its own connection, which stays
open while the server allows it. They ask again when Retry-After says so, until the job has finished. Then a
line of JSON reports what they saw. One thread with a selector serves them all.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bench.clients.thin_client import p50_p99
from bench.stacks.children import READY

HELD_SECONDS = 5  # a response that took longer was held until the job changed
PAUSE_SECONDS = 0.1  # before a broken connection is tried again
WAITING = b'"status":"queued"'


@dataclass
class Seen:
    """The results of all clients of the crowd together."""

    asked: int = 0
    at_once: list[float] = field(default_factory=list)  # seconds to responses that ask to come later
    to_the_end: list[float] = field(default_factory=list)  # seconds to responses with the job's end
    broken: int = 0  # connections that ended before the response

    def told(self) -> dict[str, float]:
        p50, p99 = p50_p99(self.at_once)
        return {
            "asked": self.asked,
            "answered_at_once": len(self.at_once),
            "at_once_p50_s": p50,
            "at_once_p99_s": p99,
            "at_once_max_s": max(self.at_once),
            "held": sum(seconds > HELD_SECONDS for seconds in self.to_the_end),
            "told_the_end": len(self.to_the_end),
            "broken": self.broken,
        }


class Waiter:
    def __init__(self, host: str, port: int, path: str, seen: Seen) -> None:
        self._host, self._port = host, port
        self._request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
        self._seen = seen
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        with contextlib.closing(self):
            while True:
                begin = time.monotonic()
                self._seen.asked += 1
                try:
                    headers, body = await self._ask()
                except (OSError, asyncio.IncompleteReadError):
                    self._seen.broken += 1
                    self.close()
                    await asyncio.sleep(PAUSE_SECONDS)
                    continue
                seconds = time.monotonic() - begin
                if WAITING not in body:
                    self._seen.to_the_end.append(seconds)
                    return
                self._seen.at_once.append(seconds)
                await asyncio.sleep(float(headers["retry-after"]))

    async def _ask(self) -> tuple[Mapping[str, str], bytes]:
        if self._reader is None or self._reader.at_eof():
            self.close()
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        assert self._writer is not None
        self._writer.write(self._request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        headers = dict(_headers(head.decode()))
        body = await self._reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self.close()
        return headers, body

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


def _headers(head: str) -> Iterator[tuple[str, str]]:
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(": ")
        yield name.lower(), value


async def wait_all(url: str, size: int, path: str) -> Seen:
    seen, place = Seen(), urlsplit(url)
    host, port = str(place.hostname), int(place.port or 80)
    await asyncio.gather(*(Waiter(host, port, path, seen).run() for _ in range(size)))
    return seen


def main() -> None:
    url, size = sys.argv[1], int(sys.argv[2])
    print(READY, flush=True)
    for line in sys.stdin:
        print(json.dumps(asyncio.run(wait_all(url, size, line.strip())).told()), flush=True)


if __name__ == "__main__":
    main()
