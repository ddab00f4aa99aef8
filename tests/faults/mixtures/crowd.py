"""A client that sends batches, repeats requests without a response, and remembers every 202."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx

from shared.ids import job_id_of_line
from shared.policy.object_keys import upload_key
from tests.faults.stand_ins.orders import Order, digest
from tests.stacks.fault_stack import FaultStack
from tests.stacks.service import NDJSON, OWNER

PATIENCE_SECONDS = 120
STYLE = Order(variant=255)
COME_AGAIN = {409, 429, 502, 503}
BETWEEN_TRIES_SECONDS = 0.1


class Crowd:
    """`accepted` is the journal: the ids of all jobs with a 202, in their order."""

    def __init__(self, stack: FaultStack) -> None:
        self.stack = stack
        self.accepted: list[str] = []
        self.batches: list[str] = []
        self.repeats = 0
        self._stored: dict[bytes, str] = {}

    def upload(self, file: bytes) -> str:
        """Put the file into uploads; return its upload_id."""
        if file not in self._stored:
            upload_id = digest(file)
            self.stack.storage.put(upload_key(OWNER, upload_id), file, "image/png")
            self._stored[file] = upload_id
        return self._stored[file]

    def line(self, file: bytes, **members: Any) -> dict[str, Any]:
        style = {"upload_id": self.upload(STYLE.picture())}
        return {"content": {"upload_id": self.upload(file)}, "style": style, **members}

    def lines(self, number: int, milliseconds: int = 20, **members: Any) -> list[dict[str, Any]]:
        """Return lines with good pictures, of ten kinds."""
        files = [Order(milliseconds=milliseconds, variant=kind).picture() for kind in range(10)]
        return [self.line(files[count % len(files)], **members) for count in range(number)]

    def send(self, lines: Sequence[Any]) -> list[str]:
        """Send one batch until it is accepted; return the jobs' ids."""
        body, key = ndjson(lines), uuid4().hex
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while (answer := self.post(body, key)) is None:
            assert time.monotonic() < give_up_at, f"no 202 within {PATIENCE_SECONDS} s"
            self.repeats += 1
            time.sleep(BETWEEN_TRIES_SECONDS)
        return self.note(answer)

    def post(self, body: bytes, key: str) -> dict[str, Any] | None:
        """Try once; return None if the client must come again."""
        headers = {"Content-Type": NDJSON, "Idempotency-Key": key}
        try:
            answer = self.stack.client.post("/v1/batches", content=body, headers=headers)
        except httpx.TransportError:
            return None
        if answer.status_code in COME_AGAIN:
            return None
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def note(self, batch: dict[str, Any]) -> list[str]:
        """Write a 202 into the journal."""
        ids = [job_id_of_line(batch["id"], line) for line in range(1, batch["total"] + 1)]
        self.batches.append(batch["id"])
        self.accepted += ids
        return ids

    def send_good(self, number: int, milliseconds: int = 20, **members: Any) -> list[str]:
        return self.send(self.lines(number, milliseconds, **members))

    def ended(self) -> int:
        """Return how many of the accepted jobs have ended, by the records; Redis must be up."""
        connection = self.stack.connection
        unfinished = 0
        for batch_id in self.batches:
            counts = connection.hmget(f"sq:batch:{batch_id}", "queued", "running", "canceling")
            unfinished += sum(int(count or 0) for count in counts)
        return len(self.accepted) - unfinished


def ndjson(lines: Sequence[Any]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)
