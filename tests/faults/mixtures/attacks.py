"""Everything that an owner with a key can do to take the service from others, in small sizes."""

from __future__ import annotations

import json
import random
import socket
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from tests.faults.mixtures.crowd import ndjson
from tests.faults.stand_ins.orders import Order
from tests.stacks.service import NDJSON, data_uri

SLOW_MILLISECONDS = 150
SLOW_JOBS = 30  # waiting or running at a time, of each thread of the hostile owner
MOST_WIRES = 40  # open at a time, of each thread
PIPELINED = 20
ANSWER_SECONDS = 60
ONES = json.dumps({"jobs": [1] * 60_000})
TAGS = json.dumps({"content": {"url": "https://example.org/a.jpg"}, "tags": [1] * 60_000})
STYLE = {"data": data_uri(Order(variant=254).picture())}


def line(milliseconds: int, variant: int = 0, **members: Any) -> dict[str, Any]:
    """Return a job whose pictures come with it."""
    picture = Order(milliseconds=milliseconds, variant=variant).picture()
    return {"content": {"data": data_uri(picture)}, "style": STYLE, **members}


class Attacker:
    """One thread of the hostile owner: its connections and what it has in the queue."""

    def __init__(self, url: str, key: str, receiver: str, chance: random.Random) -> None:
        self.chance = chance
        self.receiver = receiver  # URL for webhooks
        self._address = (urlsplit(url).hostname, urlsplit(url).port)
        self._head = f"Host: {urlsplit(url).netloc}\r\nAuthorization: Bearer {key}\r\n"
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=ANSWER_SECONDS,
            trust_env=False,
        )
        self._wires: deque[socket.socket] = deque()
        self.slow_batch = ""

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self._note(self._client.get(path, params=params))

    def post(
        self, path: str, body: str | bytes = b"", content_type: str = "application/json"
    ) -> httpx.Response:
        """Send it under an idempotency key of its own."""
        headers = {"Content-Type": content_type, "Idempotency-Key": uuid4().hex}
        return self._note(self._client.post(path, content=body, headers=headers))

    def send(self, *lines: Any) -> str:
        """Send a batch; return its id, or nothing if the service refused it."""
        answer = self.post("/v1/batches", ndjson(lines), NDJSON)
        if answer.status_code != httpx.codes.ACCEPTED:
            return ""
        batch = answer.json()
        print("accepted", batch["id"], batch["total"], flush=True)  # noqa: T201 - the journal of this program
        return str(batch["id"])

    def request(self, path: str) -> bytes:
        """Return the bytes of a GET."""
        return f"GET {path} HTTP/1.1\r\n{self._head}\r\n".encode()

    def leave_open(self, sent: bytes) -> None:
        """Open a connection, send this, and read nothing; the oldest of too many is closed."""
        wire = socket.socket()
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.settimeout(ANSWER_SECONDS)
        self._wires.append(wire)
        with suppress(OSError):  # the service may cut it at any moment
            wire.connect(self._address)
            wire.sendall(sent)
        if len(self._wires) > MOST_WIRES:
            self._wires.popleft().close()

    def _note(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
            print("failed", answer.request.method, answer.request.url, flush=True)  # noqa: T201
        return answer


def amplified_json(attacker: Attacker) -> None:
    attacker.post("/v1/batches", ONES)
    attacker.post("/v1/jobs", TAGS)


def long_defaults(attacker: Attacker) -> None:
    long = {"metadata": {f"note{number}": "x" * 500 for number in range(16)}}
    attacker.post("/v1/batches", json.dumps({"defaults": long, "jobs": [line(1)] * 100}))


def half_requests(attacker: Attacker) -> None:
    for _ in range(5):
        attacker.leave_open(attacker.request("/v1/jobs")[: attacker.chance.randrange(1, 60)])


def unread_responses(attacker: Attacker) -> None:
    for path in ("/openapi.json", "/v1/jobs?limit=100"):
        attacker.leave_open(attacker.request(path) * PIPELINED)


def slow_jobs(attacker: Attacker) -> None:
    """Queue them in the polite owner's lane, unless they wait there already."""
    if attacker.slow_batch and not attacker.get(f"/v1/batches/{attacker.slow_batch}").json().get(
        "finished_at"
    ):
        return
    lines = [line(SLOW_MILLISECONDS, variant, lane="normal") for variant in range(SLOW_JOBS)]
    attacker.slow_batch = attacker.send(*lines)


def event_streams(attacker: Attacker) -> None:
    """Open more than an API process holds."""
    slow_jobs(attacker)
    for _ in range(10):
        attacker.leave_open(attacker.request(f"/v1/batches/{attacker.slow_batch}/events"))


def tag_searches(attacker: Attacker) -> None:
    """Search without reading, so that they are made at once."""
    for _ in range(10):
        attacker.leave_open(attacker.request(f"/v1/jobs?tag={uuid4().hex}&limit=100"))


def rejected_lines(attacker: Attacker) -> None:
    batch = attacker.send(line(1), *[{"n" * 20_000: 1}] * 30)
    for _ in range(3 if batch else 0):
        attacker.get(f"/v1/batches/{batch}")


def webhook_tests(attacker: Attacker) -> None:
    for _ in range(5):
        attacker.post("/v1/webhooks/test", json.dumps({"url": attacker.receiver}))


def uploads_never_sent(attacker: Attacker) -> None:
    for _ in range(10):
        name = sha256(attacker.chance.randbytes(8)).hexdigest()
        attacker.post("/v1/uploads", json.dumps({"sha256": name, "bytes": 1000, "content_type": "image/png"}))


def batches_canceled_again(attacker: Attacker) -> None:
    for _ in range(3):
        if batch := attacker.send(*[line(SLOW_MILLISECONDS)] * 10):
            attacker.post(f"/v1/batches/{batch}/cancel")


Attack = Callable[[Attacker], None]

ATTACKS: Mapping[str, Attack] = {
    attack.__name__.replace("_", " "): attack
    for attack in (
        amplified_json,
        long_defaults,
        half_requests,
        unread_responses,
        slow_jobs,
        event_streams,
        tag_searches,
        rejected_lines,
        webhook_tests,
        uploads_never_sent,
        batches_canceled_again,
    )
}
