"""The history of each job, read from Redis' append-only file.

Redis writes every change there before it replies, and a killed Redis starts from nothing else. So this audit
of all transitions is complete, and no kill can shorten it. A power loss could; no test makes one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from pydantic_core import from_json

from shared.wire.records import FINAL, TRANSITIONS, JobStatus

JOB_KEY = b"sq:job:"
Command = Sequence[bytes]


class History:
    """The statuses that each job has had, in their order; forgotten with the job's record.

    `took` has what all jobs took, also those that were removed: ends by status, pixels, and bytes_out of
    results; and device_us and bytes_in, by which the records grew.
    """

    def __init__(self, redis_folder: Path) -> None:
        self.statuses: dict[str, list[JobStatus]] = defaultdict(list)
        self.took: Counter[str] = Counter()
        self._grown: dict[tuple[str, str], int] = {}
        for command in _commands(redis_folder):
            self._note(command)

    def starts(self, job_id: str) -> int:
        return self.statuses[job_id].count(JobStatus.RUNNING)

    def ends(self, job_id: str) -> int:
        return sum(status in FINAL for status in self.statuses[job_id])

    def illegal_steps(self) -> list[tuple[str, JobStatus, JobStatus]]:
        return [
            (job_id, before, after)
            for job_id, statuses in self.statuses.items()
            for before, after in pairwise(statuses)
            if after not in TRANSITIONS[before]
        ]

    def _note(self, command: Command) -> None:
        name, *arguments = command
        if name.upper() in (b"FLUSHALL", b"FLUSHDB"):
            self.statuses.clear()
            self.took.clear()
            self._grown.clear()
        if not arguments or not arguments[0].startswith(JOB_KEY):
            return
        job_id = arguments[0].removeprefix(JOB_KEY).decode()
        if name.upper() in (b"DEL", b"UNLINK"):
            self.statuses.pop(job_id, None)
        elif name.upper() in (b"HSET", b"HMSET"):
            fields = dict(zip(arguments[1::2], arguments[2::2], strict=True))
            if b"status" in fields:
                self.statuses[job_id].append(JobStatus(fields[b"status"].decode()))
                self._count_end(self.statuses[job_id][-1], fields)
            self._count_growth(job_id, fields)

    def _count_end(self, status: JobStatus, fields: Mapping[bytes, bytes]) -> None:
        if status in FINAL:
            self.took[status] += 1
        if status is JobStatus.SUCCEEDED:
            result = from_json(fields[b"result"])
            self.took.update(pixels=result["width"] * result["height"], bytes_out=result["bytes"])

    def _count_growth(self, job_id: str, fields: Mapping[bytes, bytes]) -> None:
        for what in ("device_us", "bytes_in"):
            if what.encode() in fields:
                number = int(fields[what.encode()])
                self.took[what] += number - self._grown.get((job_id, what), 0)
                self._grown[job_id, what] = number


def _commands(redis_folder: Path) -> Iterator[Command]:
    """Yield the commands of all parts of the file: one part before Redis 7, later also a base, which is empty
    here.
    """
    parts = sorted(redis_folder.rglob("appendonly.aof*"), key=lambda part: part.name)
    for part in parts:
        if part.is_file() and part.suffix not in (".rdb", ".manifest"):
            yield from _parsed(part.read_bytes())


def _parsed(text: bytes) -> Iterator[Command]:
    """Yield RESP arrays of bulk strings; one that a kill has cut off at the end is left out."""
    at = 0
    while at < len(text) and text[at : at + 1] == b"*":
        line = text.index(b"\r\n", at)
        count, at = int(text[at + 1 : line]), line + 2
        command = []
        for _ in range(count):
            line = text.find(b"\r\n", at)
            if line < 0:
                return
            size = int(text[at + 1 : line])
            command.append(text[line + 2 : line + 2 + size])
            at = line + 2 + size + 2
        if at > len(text):
            return
        yield command
