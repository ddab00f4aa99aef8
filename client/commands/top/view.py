"""The page of `stylequeue top`. Its lines keep their places."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from client.commands.operate.worker_command import DIGEST_DIGITS, memory, rate
from client.commands.tables import duration
from client.commands.top.feed import Sight, Snapshot
from shared.wire.descriptors import Lane
from shared.wire.operations.queue_records import LaneView, Period
from shared.wire.records import JobStatus, WorkerInfo

GAP = 2
SILENT_SECONDS = 10  # a worker sends a heartbeat every 5 s
WIDE = 120  # from so many columns on, workers have more columns
FOOTER = "q quits"
FIXED_LINES = 13  # all lines but the rows of lanes, workers and failures
MOST_NAMED = 2  # lanes of a worker that are all named
FAILURE_ROWS = 3  # at least so many, if there are so many codes
ENDS = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.EXPIRED)


def page(sight: Sight, api: str, width: int, height: int | None) -> RenderableType:
    """Return lines for a terminal of this size; without a height, all lines and no footer."""
    seen = sight.snapshot
    codes = list(seen.recent.quarter_hour.failed)
    fixed = FIXED_LINES + len(seen.queue.lanes)
    workers_shown, codes_shown = _rows(
        len(seen.workers), len(codes), None if height is None else height - fixed
    )
    lines: list[RenderableType] = [
        _title(api, seen, width),
        _trouble(sight, width),
        _lanes(seen.queue.lanes),
        Text(),
        _ends(seen),
        Text(),
        Text(_slots(seen), no_wrap=True, overflow="ellipsis"),
        _workers(seen, workers_shown, width),
        Text(),
        _failures(seen, codes[:codes_shown]),
    ]
    if height is not None:
        used = fixed + max(1, min(workers_shown, len(seen.workers))) + codes_shown
        lines += [Text()] * max(0, height - used)
        lines.append(Text(FOOTER, style="dim"))
    return Group(*lines)


def _rows(workers: int, codes: int, room: int | None) -> tuple[int, int]:
    """Return how many rows of workers and of failure codes fit into the room."""
    if room is None:
        return workers, codes
    room = max(2, room)
    for_workers = max(1, min(max(workers, 1), room - min(codes, FAILURE_ROWS)))
    return for_workers, max(0, min(codes, room - for_workers))


def _title(api: str, seen: Snapshot, width: int) -> Text:
    clock = time.strftime("%H:%M:%S", time.localtime(seen.taken_at))
    left = Text("stylequeue", style="bold") + Text(f"  {api}", style="dim")
    left.truncate(max(0, width - len(clock) - GAP), overflow="ellipsis", pad=True)
    return left + Text(" " * GAP + clock)


def _trouble(sight: Sight, width: int) -> Text:
    """Return a line that is empty without trouble, so that other lines keep their places."""
    if sight.trouble is None:
        return Text()
    old = duration(time.time() - sight.snapshot.taken_at)
    text = Text(f"No response; this is {old} old. {sight.trouble}", style="bold red")
    text.truncate(width, overflow="ellipsis")
    return text


def _table(*columns: Column) -> Table:
    for column in columns:
        column.no_wrap, column.overflow = True, "ellipsis"
    return Table(*columns, box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="dim")


def _text(heading: str, width: int) -> Column:
    return Column(heading, width=width)


def _number(heading: str, width: int) -> Column:
    return Column(heading, width=width, justify="right")


# --- lanes and ends -------------------------------------------------------------------------------


def _lanes(lanes: Sequence[LaneView]) -> Table:
    table = _table(
        _text("lane", 11), _number("waiting", 10), _number("oldest", 9), _number("running", 9),
        _number("workers", 8), _number("slots", 8), _text("", 12),
    )  # fmt: skip
    for lane in lanes:
        oldest = "-" if lane.oldest_seconds is None else duration(lane.oldest_seconds)
        counts = (f"{lane.held:,}", f"{lane.workers:,}", f"{lane.slots:,}")
        table.add_row(lane.lane.value, f"{lane.queued:,}", oldest, *counts, _note(lane))
    return table


def _note(lane: LaneView) -> Text:
    if lane.paused:
        return Text("paused", style="bold yellow")
    return Text("no worker", style="bold red") if lane.queued and not lane.workers else Text()


def _ends(seen: Snapshot) -> Table:
    columns = (_number(status.value, width) for status, width in zip(ENDS, (9, 9, 8, 8), strict=True))
    table = _table(_text("ended", 11), _number("per second", 10), *columns)
    _add_period(table, "last minute", seen.recent.minute)
    _add_period(table, "15 minutes", seen.recent.quarter_hour)
    return table


def _add_period(table: Table, label: str, period: Period) -> None:
    counts = [Text(f"{period.ended.get(status, 0):,}") for status in ENDS]
    failed = counts[ENDS.index(JobStatus.FAILED)]
    if period.ended.get(JobStatus.FAILED):
        failed.stylize("red")
    table.add_row(label, f"{period.ended_per_second:.2f}", *counts)


# --- workers --------------------------------------------------------------------------------------


def _slots(seen: Snapshot) -> str:
    queue = seen.queue
    draining = sum(worker.draining for worker in seen.workers)
    parts = [f"{queue.workers:,} workers" + (f", {draining:,} draining" if draining else "")]
    parts.append(f"{queue.busy:,} of {queue.slots:,} slots busy")
    if queue.capacity_per_second is not None:
        parts.append(f"{queue.capacity_per_second:.3g} jobs/s possible")
    return "   ".join(parts)


def _workers(seen: Snapshot, rows: int, width: int) -> RenderableType:
    if not seen.workers:
        return Group(Text("worker", style="dim"), Text("No worker is running", style="bold red"))
    wide = width >= WIDE
    others = [*map(_number, ("busy", "jobs/s", "memory"), (6, 7, 7)), _text("lanes", 11), _number("seen", 6)]
    if wide:
        others += [_number("up", 7), *map(_text, ("device", "version", "model"), (9, 9, 20))]
    others.append(_text("", 8))
    room = width - sum((column.width or 0) + GAP for column in others) - GAP
    longest = max(len(worker.id) for worker in seen.workers)
    table = _table(_text("worker", max(11, min(longest, room))), *others)
    hidden = len(seen.workers) - rows
    for worker in seen.workers[: rows - (hidden > 0)]:
        table.add_row(*_cells(worker, seen, table.columns[0].width or 0, wide=wide))
    if hidden > 0:
        table.add_row(Text(f"and {hidden + 1:,} more", style="dim"))
    return table


def _cells(worker: WorkerInfo, seen: Snapshot, width: int, *, wide: bool) -> list[str | Text]:
    silent = (seen.recent.at - worker.last_seen_at).total_seconds()
    heard = Text(duration(silent), style="bold yellow" if silent > SILENT_SECONDS else "")
    busy = f"{worker.busy}/{worker.slots}"
    cells: list[str | Text] = [
        _both_ends(worker.id, width),
        busy,
        rate(worker),
        memory(worker),
        _served(worker),
        heard,
    ]
    if wide:
        up = duration((seen.recent.at - worker.started_at).total_seconds())
        digest = (worker.model_digest or "")[:DIGEST_DIGITS]
        cells += [up, worker.device, worker.version or "-", f"{_both_ends(worker.model, 11)} {digest}"]
    return [*cells, Text("draining", style="yellow") if worker.draining else Text()]


def _served(worker: WorkerInfo) -> str:
    """Return the lanes; for three or more neighbors, the highest and the lowest."""
    lanes, order = worker.lanes, tuple(Lane)
    if len(lanes) == len(order):
        return "all"
    neighbors = lanes and order.index(lanes[-1]) - order.index(lanes[0]) == len(lanes) - 1
    return f"{lanes[0]}..{lanes[-1]}" if neighbors and len(lanes) > MOST_NAMED else ",".join(lanes)


def _both_ends(name: str, width: int) -> str:
    """Shorten a name in the middle, because names differ at their ends."""
    if len(name) <= width:
        return name
    tail = (width - 1) * 2 // 3
    return f"{name[: width - 1 - tail]}…{name[-tail:]}"


# --- failures -------------------------------------------------------------------------------------


def _failures(seen: Snapshot, codes: Sequence[str]) -> RenderableType:
    recent = seen.recent
    if not recent.quarter_hour.failed:
        return Text("No job failed in the last 15 minutes", style="dim")
    table = _table(_text("failed", 23), _number("last minute", 11), _number("15 minutes", 10))
    for code in codes:
        table.add_row(code, f"{recent.minute.failed.get(code, 0):,}", f"{recent.quarter_hour.failed[code]:,}")
    return table
