"""Acceptance of a batch: all of its jobs are stored before the response, and none runs before that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from api.intake.batch_lines import AcceptedLine
from api.services import Services
from shared.errors import QueueUnavailable
from shared.policy.object_keys import upload_key
from shared.policy.picture_names import skipped_in_words
from shared.request_errors import BatchRejected, InvalidParameter
from shared.wire.batch_records import RejectedLine
from shared.wire.descriptors import Lane

LINES_PER_STEP = 200
FILES_PER_STEP = 50  # stored between two renewals of the lease
SHOWN_LINES = 100
DEFAULT_BYTES_PER_JOB = 1024  # of the most jobs of a batch; each record has the defaults

CheckedLine = AcceptedLine | RejectedLine
CheckedLines = Callable[[], Iterator[CheckedLine]]  # starts at the first line at each call


@dataclass
class Intake:
    """Writes the lines of one batch."""

    parts: Services
    owner: str
    batch_id: str
    root: str  # URL of the API
    lanes: set[Lane] = field(default_factory=set)
    _first_rejected: list[RejectedLine] = field(default_factory=list)
    _stored: set[str] = field(default_factory=set)
    _lines: int = 0
    _bytes: int = 0
    _default_bytes: int = 0

    def take(self, lines: CheckedLines, skipped: Mapping[str, int], *, atomic: bool) -> None:
        """Write all lines, and then let the jobs run. If `atomic`, check all lines before writing the first.

        `skipped` counts the files that the lines leave out, and is complete when the lines have been read.

        Raises:
            BatchRejected: no line became a job, or one line of an atomic batch did not.
            InvalidParameter: there are too many lines, or none.
            QueueFull, BatchInterrupted, StorageUnavailable, QueueNearlyFull, QueueUnavailable
        """
        if atomic:
            _require_all(lines())
        for step in _steps(lines()):
            self._write(step, atomic=atomic)
        if not self._lines and skipped:
            raise InvalidParameter(f"No image was found; {skipped_in_words(skipped)}", "/content_prefix")
        if not self._lines:
            raise InvalidParameter("The batch is empty: it has no line and no image", "")
        if not self.lanes:
            raise _rejection("None of the lines can be accepted", self._first_rejected)
        self.parts.batches.commit(self.batch_id, skipped)

    @contextmanager
    def nothing_left_on_error(self) -> Iterator[None]:
        """Discard the batch if the block fails."""
        try:
            yield
        except BaseException:
            with suppress(QueueUnavailable):  # then its lease ends, and a worker's sweep removes the batch
                self.parts.batches.discard(self.batch_id)
            raise

    def _write(self, lines: list[CheckedLine], *, atomic: bool) -> None:
        self.parts.redis_room.check()
        accepted = [line for line in lines if isinstance(line, AcceptedLine)]
        self._count(len(lines), accepted)
        rejected = [line for line in lines if isinstance(line, RejectedLine)]
        if accepted:
            self._store_files(accepted)
            self._add(accepted)
        if rejected and atomic:
            raise _rejection(f"{len(rejected):,} line(s) cannot be accepted, so none is", rejected)
        if rejected:
            self.parts.batches.reject(self.batch_id, rejected, self.parts.limits.quotas)
            self._first_rejected += rejected[: SHOWN_LINES - len(self._first_rejected)]

    def _count(self, lines: int, accepted: list[AcceptedLine]) -> None:
        """Add up the batch's size.

        Raises:
            InvalidParameter: it is over a limit.
        """
        self._lines += lines
        self._bytes += sum(line.bytes for line in accepted)
        self._default_bytes += sum(line.default_bytes for line in accepted)
        settings = self.parts.settings
        most_default_bytes = DEFAULT_BYTES_PER_JOB * settings.max_batch_jobs
        _check_most(self._lines, settings.max_batch_jobs, "jobs (max_batch_jobs)")
        _check_most(self._bytes, settings.max_batch_bytes, "bytes with its defaults (max_batch_bytes)")
        _check_most(self._default_bytes, most_default_bytes, "bytes of defaults in all of its jobs")

    def _add(self, lines: list[AcceptedLine]) -> None:
        jobs = [(line.line, line.job) for line in lines]
        max_attempts = self.parts.settings.max_attempts
        self.parts.batches.add(self.batch_id, self.owner, jobs, max_attempts, self.parts.limits, self.root)
        self.lanes.update(line.job.lane for line in lines)

    def _store_files(self, lines: list[AcceptedLine]) -> None:
        """Store the pictures that came within the lines, each once."""
        files = [file for line in lines for file in line.files if file.upload_id not in self._stored]
        self.parts.uploads.announce(self.owner, {file.upload_id: file.size for file in files})
        for file in files:
            if file.upload_id not in self._stored:
                self.parts.storage.put(upload_key(self.owner, file.upload_id), file.body, file.content_type)
                self._stored.add(file.upload_id)
        self.parts.known_uploads.note(self.owner, [file.upload_id for file in files])


def _check_most(number: int, limit: int, what: str) -> None:
    if number > limit:
        raise InvalidParameter(f"The batch has more than {limit:,} {what}", "")


def _steps(lines: Iterable[CheckedLine]) -> Iterator[list[CheckedLine]]:
    """Yield the lines in groups, each written in one step."""
    step: list[CheckedLine] = []
    files = 0
    for line in lines:
        step.append(line)
        files += len(line.files) if isinstance(line, AcceptedLine) else 0
        if len(step) == LINES_PER_STEP or files >= FILES_PER_STEP:
            yield step
            step, files = [], 0
    if step:
        yield step


def _require_all(lines: Iterable[CheckedLine]) -> None:
    """Check all lines.

    Raises:
        BatchRejected: one cannot be accepted.
    """
    rejected = [line for line in lines if isinstance(line, RejectedLine)]
    if rejected:
        raise _rejection(f"{len(rejected):,} line(s) cannot be accepted, so none is", rejected)


def _rejection(detail: str, lines: list[RejectedLine]) -> BatchRejected:
    """Return the error for these lines. A pointer begins with the index of its line."""
    shown = [(f"/{line.line - 1}{line.pointer or ''}", f"line {line.line}: {line.detail}") for line in lines]
    return BatchRejected(detail, shown[:SHOWN_LINES])
