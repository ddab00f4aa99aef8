"""Progress of a command: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from client.folder.failures import failure_line
from client.folder.ledger import Ledger
from client.folder.manifest import WITHOUT_FILE, Picture, PictureStatus
from shared.wire.batch_records import BatchView

Event = TypeVar("Event")


class Rate(ProgressColumn):
    """Shows pictures per second over the last half minute."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


class TimeLeft(ProgressColumn):
    """Shows the service's estimate, the field `ends_at` (of time.monotonic); without it, one by the rate."""

    def render(self, task: Task) -> Text:
        seconds = (task.fields.get("ends_at") or 0) - time.monotonic()
        if seconds <= 0:
            seconds = task.time_remaining or 0
        return Text(f"ETA {timedelta(seconds=int(seconds))}" if seconds > 0 else "")


class Words(ProgressColumn):
    """Shows the text that a function returns when the bar is drawn."""

    def __init__(self, say: Callable[[], str]) -> None:
        super().__init__()
        self._say = say

    def render(self, task: Task) -> Text:  # noqa: ARG002 - the interface of a column
        return Text(self._say())


class BatchBar:
    """Shows the pictures of one command as they end."""

    def __init__(self, ledger: Ledger, out: Console, losses: Callable[[], str] = lambda: "") -> None:
        """Prepare the bar; `losses` returns a text that stands beside it."""
        self._ledger = ledger
        self._out = out
        self._seq = -1
        self._told = False  # whether it said that the jobs wait for a worker
        self._total = len(ledger.manifest.pictures)
        self._progress = _progress(
            out, TextColumn("[red]{task.fields[failed]}"), Words(losses), Rate(), TimeLeft()
        )
        self._task = self._progress.add_task("painting", total=self._total or None, failed="", ends_at=None)

    def follow(self, events: Iterable[BatchView | Picture]) -> None:
        """Draw until the events end. Put each picture into the ledger before drawing it."""
        with self._progress:
            self._draw()
            for event in events:
                if isinstance(event, Picture):
                    self._ledger.put(event)
                    self._print(event)
                elif event.seq > self._seq:
                    self._look_at(event)
                self._draw()

    def _look_at(self, batch: BatchView) -> None:
        self._seq = batch.seq
        self._total = max(self._total, batch.total + batch.rejected)
        queue = batch.queue
        eta = queue.eta_seconds if queue else None
        waits = queue is not None and not queue.runnable
        if queue is not None and waits and not self._told:
            self._told = True
            self._out.print(f"The jobs wait: {queue.reason or 'no worker is running'}")
        self._progress.update(
            self._task,
            description="waiting for a worker" if waits else "painting",
            ends_at=time.monotonic() + eta.p50 if eta else None,
        )

    def _draw(self) -> None:
        failed = sum(self._ledger.counts[status] for status in WITHOUT_FILE)
        self._progress.update(
            self._task,
            total=self._total or None,
            completed=self._ledger.settled,
            failed=f"{failed} failed" if failed else "",
        )

    def _print(self, picture: Picture) -> None:
        if not self._out.is_terminal:
            self._out.print(_line(picture, self._ledger, self._total), soft_wrap=True)


def counted(label: str, items: Iterable[Event], total: int, out: Console) -> Iterator[Event]:
    """Yield the items; on a terminal, show a bar."""
    with _progress(out) as progress:
        yield from progress.track(items, total=total, description=label)


def _progress(out: Console, *more: ProgressColumn) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        *more,
        console=out,
        expand=True,
        transient=True,
        disable=not out.is_terminal,
    )


def _line(picture: Picture, ledger: Ledger, total: int) -> Text:
    count = f"[{ledger.settled:>{len(str(total))}}/{total}] "
    if picture.status is PictureStatus.SAVED:
        return Text(f"{count}saved  {ledger.folder / picture.file}")
    return Text(f"{count}failed {failure_line(picture)}")
