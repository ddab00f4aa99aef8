"""Stylizes every sample photograph in every sample style, with a local stack of its own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from client.api_client import StyleQueue
from client.folder.pictures import suffix_of
from local.contact_sheet import ContactSheet
from local.stack import LocalStack
from samples import content_paths, style_paths
from shared.settings import PREFIX
from shared.wire.records import JobStatus, JobView

KEPT_SETTINGS = ("MODEL", "CACHE_DIR", "WORKER_THREADS")  # the demo always starts its own Redis and S3
JOB_TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Outcome:
    """One job of the demo; `file` is None if the job ended without a picture."""

    content: Path
    style: Path
    job: JobView
    file: Path | None

    @property
    def name(self) -> str:
        return f"{self.content.stem} in the style of {self.style.stem}"

    @property
    def seconds(self) -> float:
        """The time from submission to the end, by the service's clock."""
        finished_at = self.job.finished_at or self.job.created_at
        return (finished_at - self.job.created_at).total_seconds()

    @property
    def problem(self) -> str:
        reason = self.job.error.detail if self.job.error else "no picture"
        return f"{self.name}: {self.job.status} ({reason})"


@dataclass(frozen=True)
class Demo:
    """The results of the demo, and the files that describe them."""

    outcomes: list[Outcome]
    start_seconds: float  # until the stack was ready
    stylize_seconds: float  # from the first submit until the last picture was saved

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.file is None]

    def write_summary(self, path: Path) -> None:
        succeeded = len(self.outcomes) - len(self.failed)
        totals = {
            "jobs": len(self.outcomes),
            "succeeded": succeeded,
            "failed": len(self.failed),
            "bytes": sum(outcome.job.result.bytes for outcome in self.outcomes if outcome.job.result),
            "start_seconds": round(self.start_seconds, 3),
            "stylize_seconds": round(self.stylize_seconds, 3),
            "pictures_per_second": round(succeeded / self.stylize_seconds, 3),
        }
        summary = {"jobs": [_entry(outcome) for outcome in self.outcomes], "totals": totals}
        path.write_text(json.dumps(summary, indent=2) + "\n")

    def write_contact_sheet(self, path: Path) -> None:
        results = {(one.content.stem, one.style.stem): one.file for one in self.outcomes if one.file}
        subtitle = f"{len(results)} pictures\nin {self.stylize_seconds:.1f} s"
        ContactSheet("stylequeue", subtitle, content_paths(), style_paths(), results).save(path)


def run_demo(out: Path, console: Console) -> Demo:
    """Stylize the samples into the existing folder `out`, with a stack that is stopped afterwards.

    Raises:
        StackError, StyleQueueClientError: the stack cannot start, or does not respond as it should.
    """
    begin = time.monotonic()
    with ExitStack() as exits:
        folder = exits.enter_context(TemporaryDirectory(prefix="stylequeue-demo-"))
        stack = LocalStack(Path(folder), report=_printer(console), environment=_environment())
        with console.status("starting the stack"):
            exits.enter_context(stack)
        ready = time.monotonic()
        queue = exits.enter_context(StyleQueue(stack.url))
        outcomes = _with_progress(_stylize(queue, out), console)
        demo = Demo(outcomes, ready - begin, time.monotonic() - ready)
    demo.write_summary(out / "summary.json")
    demo.write_contact_sheet(out / "contact-sheet.jpg")
    return demo


def _stylize(queue: StyleQueue, out: Path) -> Iterator[Outcome]:
    """Submit all jobs, then yield each one after its end, in the order of submission."""
    sources = {path: queue.source(path) for path in (*content_paths(), *style_paths())}
    jobs = [
        (
            content,
            style,
            queue.submit(sources[content], sources[style], custom_id=f"{content.stem}--{style.stem}"),
        )
        for style in style_paths()
        for content in content_paths()
    ]
    for content, style, job in jobs:
        ended = queue.wait(job, timeout_seconds=JOB_TIMEOUT_SECONDS)
        file = None
        if ended.status is JobStatus.SUCCEEDED:
            file = queue.save(ended, out / f"{content.stem}--{style.stem}{suffix_of(ended)}")
        yield Outcome(content, style, ended, file)


def _with_progress(outcomes: Iterator[Outcome], console: Console) -> list[Outcome]:
    """Show a progress bar in a terminal, and a line for each picture elsewhere."""
    total = len(content_paths()) * len(style_paths())
    columns = (
        SpinnerColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    done = []
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("submitting", total=total)
        for outcome in outcomes:
            done.append(outcome)
            progress.update(task, advance=1, description=outcome.name)
            if not console.is_terminal:
                _printer(console)(f"{len(done)}/{total} {outcome.name}: {outcome.job.status}")
    return done


def _printer(console: Console) -> Any:
    def print_line(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    return print_line


def _environment() -> dict[str, str]:
    kept = {PREFIX + name for name in KEPT_SETTINGS}
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX) or name in kept}


def _entry(outcome: Outcome) -> dict[str, object]:
    job, result = outcome.job, outcome.job.result
    return {
        "id": job.id,
        "content": outcome.content.name,
        "style": outcome.style.name,
        "status": job.status,
        "seconds": round(outcome.seconds, 3),
        "width": result and result.width,
        "height": result and result.height,
        "bytes": result and result.bytes,
        "file": outcome.file and outcome.file.name,
        "error": job.error and job.error.detail,
    }
