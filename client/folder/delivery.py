"""Carrying out a manifest, from whatever state it is in."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from rich.console import Console

from client.api.batch_lines import lines_of, prefix_batch, webhook_of
from client.api.batch_uploads import Sent, distinct, send_all
from client.api_client import StyleQueue
from client.commands.loss_watch import LossWatch
from client.commands.painting_times import times_in_words
from client.commands.progress import BatchBar, counted
from client.errors import (
    BatchFailed,
    RequestRefused,
    ServiceUnavailable,
    StyleQueueClientError,
    SubmissionTooOld,
)
from client.folder.harvest import Harvest
from client.folder.ledger import Ledger
from client.folder.manifest import Picture, PictureStatus
from client.folder.orders import unusable
from client.folder.skipped import Skipped, in_words
from shared.wire.batch_records import BatchView

KEY_LIFETIME = timedelta(hours=23)  # the service forgets idempotency keys after a day
# The client may have sent the batch before and lost the response. Of all refusals (4xx) only these leave open
# whether the service accepted it then.
UNDECIDED = frozenset({"unauthenticated", "idempotency-key-reused"})
NO_ROOM = frozenset({"queue-full", "quota-full", "too-much-pending", "batch-interrupted"})


class Delivery:
    """The steps upload, submit and harvest. If the process dies, a new one continues.

    Each step raises StyleQueueClientError.
    """

    def __init__(self, ledger: Ledger, queue: StyleQueue, out: Console) -> None:
        self._ledger = ledger
        self._queue = queue
        self._out = out

    def run(self) -> None:
        batch_id = self._ledger.manifest.batch_id
        if batch_id is None:
            self._require_a_key_that_is_known()
            self._upload()
            batch_id = self._submit()
        if batch_id is not None:
            self._harvest(batch_id)

    def _upload(self) -> None:
        manifest = self._ledger.manifest
        files = distinct(manifest.needed_files)
        sending = send_all(files, Path(manifest.working_folder), self._queue)
        sent = list(counted("uploading", sending, len(files), self._out))
        if manifest.sent_at is None:  # else the lines are fixed, and the service rejects bad ones
            self._leave_out([each for each in sent if each.error])
        self._say_what_was_sent(sent)

    def _say_what_was_sent(self, files: list[Sent]) -> None:
        sizes = [file.bytes for file in files if file.bytes]
        known = sum(not file.bytes and file.error is None for file in files)
        if files:
            size = f"{sum(sizes) / 1_000_000:,.1f} MB"
            self._out.print(f"{len(files)} file(s): {len(sizes)} uploaded ({size}), {known} already there")

    def _leave_out(self, refused: list[Sent]) -> None:
        errors = {each.sha256: each.error for each in refused if each.error}
        if not errors:
            return
        files = self._ledger.manifest.files
        pictures = []
        for picture in self._ledger.manifest.pictures:
            digests = [files[name].sha256 for name in picture.sources if name in files]
            error = next((errors[digest] for digest in digests if digest in errors), None)
            pictures.append(picture if error is None else unusable(picture, error))
        self._ledger.note(pictures=pictures)

    def _submit(self) -> str | None:
        """Submit the batch and return its id; None if there is nothing to submit."""
        manifest = self._ledger.manifest
        if manifest.prefix is None and not self._ledger.counts[PictureStatus.WAITING]:
            return None
        if manifest.sent_at is None:
            self._ledger.note(pictures=_numbered(manifest.pictures), sent_at=datetime.now(UTC))
        with self._out.status("submitting") if self._out.is_terminal else nullcontext():
            batch = self._sent()
        left_out = tuple(Skipped(kind=each.kind, count=each.count) for each in batch.skipped)
        self._ledger.note(batch_id=batch.id, skipped=(*manifest.skipped, *left_out))
        rejected = f", {batch.rejected} line(s) rejected" if batch.rejected else ""
        skipped = f", {in_words(left_out)}" if left_out else ""
        self._out.print(f"Batch {batch.id}: {batch.total} job(s){rejected}{skipped}", soft_wrap=True)
        self._say_times()
        return batch.id

    def _require_a_key_that_is_known(self) -> None:
        sent_at = self._ledger.manifest.sent_at
        if sent_at is not None and datetime.now(UTC) - sent_at > KEY_LIFETIME:
            raise SubmissionTooOld(self._ledger.path, sent_at)

    def _sent(self) -> BatchView:
        manifest = self._ledger.manifest
        key = manifest.idempotency_key
        try:
            if manifest.prefix is not None:
                return self._queue.batches.submit(prefix_batch(manifest, manifest.prefix), key=key)
            return self._queue.batches.submit(lines_of(manifest), key=key, webhook=webhook_of(manifest))
        except (RequestRefused, ServiceUnavailable) as refusal:
            self._free_the_folder(refusal)
            raise

    def _free_the_folder(self, refusal: RequestRefused | ServiceUnavailable) -> None:
        """Let a corrected command use the folder, if the refusal says that nothing was accepted."""
        if refusal.code in NO_ROOM:
            self._ledger.note(sent_at=None)  # `resume` may succeed later
        elif isinstance(refusal, RequestRefused) and _is_decided(refusal):
            self._ledger.forget()

    def _harvest(self, batch_id: str) -> None:
        harvest = Harvest(self._queue, self._ledger.manifest, batch_id, self._ledger.folder)
        try:
            if self._ledger.manifest.wishes.params.method == "optimize":
                with LossWatch(self._queue, batch_id, self._say_losses) as watch:
                    BatchBar(self._ledger, self._out, lambda: watch.text).follow(harvest.events())
            else:
                BatchBar(self._ledger, self._out).follow(harvest.events())
        except BatchFailed:
            self._ledger.forget()
            raise
        self._ledger.note(harvested=True)

    def _say_times(self) -> None:
        """Say how long minimizations take. It is only advice, so a service that cannot tell is no error."""
        params = self._ledger.manifest.wishes.params
        if params.method == "optimize":
            with suppress(StyleQueueClientError):
                self._out.print(times_in_words(self._queue.capabilities(), params), soft_wrap=True)

    def _say_losses(self, line: str) -> None:
        """Print a line where no bar can show it."""
        if not self._out.is_terminal:
            self._out.print(line, soft_wrap=True)


def _is_decided(refusal: RequestRefused) -> bool:
    return refusal.code not in UNDECIDED and refusal.status < HTTPStatus.INTERNAL_SERVER_ERROR


def _numbered(pictures: list[Picture]) -> list[Picture]:
    """Number the waiting pictures from 1; the others have no line."""
    numbered, line = [], 0
    for picture in pictures:
        waits = picture.status is PictureStatus.WAITING
        line += waits
        numbered.append(picture.model_copy(update={"line": line if waits else None}))
    return numbered
