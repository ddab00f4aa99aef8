"""Batches and their results as tables for 80 columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from rich.table import Column, Table
from rich.text import Text

from client.commands.losses import summary_in_words
from client.commands.tables import age, folded, owner_column, plain_table, summary, when, whole
from client.errors import why_there_is_no_picture
from shared.policy.picture_names import skipped_in_words
from shared.wire.batch_records import BatchView, ResultRow
from shared.wire.records import JobStatus

OTHER_COLUMNS = 63  # line, status, and an id that can be copied in one piece
SHORTEST_NAME = 12


def batch_summary(batch: BatchView) -> Table:
    counts = [f"{count:,} {status}" for status, count in batch.counts.items() if count]
    lines = {
        "batch": batch.id,
        **({"owner": batch.owner} if batch.owner else {}),
        "status": batch.status.value,
        "jobs": f"{batch.total:,}: {', '.join(counts)}" if counts else f"{batch.total:,}",
        "ended": f"{batch.progress.finished:,} ({batch.progress.fraction:.0%})",
        "time left": _time_left(batch),
        "submitted": when(batch.created_at),
        "finished": when(batch.finished_at),
    }
    if batch.losses is not None:
        lines["losses"] = summary_in_words(batch.losses)
    if batch.error is not None:
        lines["error"] = f"{batch.error.detail} ({batch.error.code})"
    if batch.skipped:
        lines["skipped"] = skipped_in_words({each.kind: each.count for each in batch.skipped})
    if batch.rejected:
        shown = "\n".join(f"line {line.line}: {line.detail}" for line in batch.rejected_lines[:5])
        lines["rejected"] = f"{batch.rejected:,} line(s)\n{shown}".rstrip()
        lines["all rejected"] = batch.links.rejected
    return summary(lines)


def batch_table(batches: Iterable[BatchView], *, with_owner: bool = False) -> Table:
    columns = map(whole, ("status", "age", "ended", "failed"))
    table = plain_table(whole("batch"), *owner_column(with_owner), *columns)
    for batch in batches:
        owner = [batch.owner or "-"] * with_owner
        ended = f"{batch.progress.finished}/{batch.total}"
        failed = str(batch.counts.get(JobStatus.FAILED, 0))
        cells = (batch.id, *owner, batch.status.value, age(batch.created_at), ended, failed)
        table.add_row(*map(Text, cells))
    return table


def result_table(rows: Iterable[ResultRow], width: int) -> Table:
    name = Column("name", overflow="fold", max_width=max(SHORTEST_NAME, width - OTHER_COLUMNS))
    table = plain_table(whole("line"), whole("status"), name, folded("job, or why not"))
    for row in rows:
        ended_well = row.status is JobStatus.SUCCEEDED
        text = row.job_id if ended_well else why_there_is_no_picture(row.status, row.error)
        table.add_row(*map(Text, (str(row.line), row.status.value, row.custom_id or "-", text)))
    return table


def _time_left(batch: BatchView) -> str:
    if batch.queue is None:
        return "-"
    if not batch.queue.runnable:
        return batch.queue.reason or "no worker is running"
    eta = batch.queue.eta_seconds
    return f"about {timedelta(seconds=int(eta.p50))}" if eta else "not known yet"
