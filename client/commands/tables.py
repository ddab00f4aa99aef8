"""Jobs as tables for 80 columns, and parts of all tables."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from shared.redaction import shown_url
from shared.wire.records import JobView
from shared.wire.sources import DataSource, ImageSource, UrlSource

PLAIN_WIDTH = 500  # columns in a file or a pipe, where nothing should be folded


def console(plain_width: int = PLAIN_WIDTH) -> Console:
    """Return the console of the present stdout."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else plain_width)


def job_summary(job: JobView) -> Table:
    lines = {
        "job": job.id,
        **({"owner": job.owner} if job.owner else {}),
        "status": job.status.value,
        "photo": _shown(job, "photo", job.request.content),
        "style": _styles(job),
        "lane": job.lane.value,
        "attempt": f"{job.attempt} of {job.max_attempts}",
        "submitted": when(job.created_at),
        "started": when(job.started_at),
        "finished": when(job.finished_at),
    } | _outcome(job)
    return summary(lines)


def job_table(jobs: Iterable[JobView], *, with_owner: bool = False) -> Table:
    columns = (whole("status"), whole("age"), folded("photo"), folded("style"))
    table = plain_table(whole("job"), *owner_column(with_owner), *columns)
    for job in jobs:
        pictures = _shown(job, "photo", job.request.content), _styles(job)
        owner = [job.owner or "-"] * with_owner
        table.add_row(*map(Text, (job.id, *owner, job.status.value, age(job.created_at), *pictures)))
    return table


def owner_column(wanted: bool) -> list[Column]:
    """Return the column with the owners, if it is wanted."""
    return [whole("owner")] * wanted


def summary(lines: Mapping[str, str]) -> Table:
    """Return labels and values, line by line."""
    grid = Table.grid(padding=(0, 2))
    for label, value in lines.items():
        grid.add_row(Text(label, style="dim"), Text(value, overflow="fold"))
    return grid


def plain_table(*columns: Column) -> Table:
    return Table(*columns, box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)


def whole(heading: str) -> Column:
    return Column(heading, no_wrap=True)


def number(heading: str) -> Column:
    return Column(heading, no_wrap=True, justify="right")


def folded(heading: str) -> Column:
    return Column(heading, overflow="fold")


def _outcome(job: JobView) -> dict[str, str]:
    if job.error is not None:
        return {"error": f"{job.error.detail} ({job.error.code}, while: {job.error.stage})"}
    if job.result is None:
        return {}
    size = f"{job.result.width} x {job.result.height} pixels, {job.result.bytes / 1000:,.0f} kB"
    if job.result.source_width:
        size += f", scaled down from {job.result.source_width} x {job.result.source_height}"
    made_by = f"{job.result.model} on {job.result.device}"
    warnings = "\n".join(warning.detail for warning in job.result.warnings)
    told = {"warning": warnings} if warnings else {}
    return {"picture": size, "made by": made_by, **told, "download": job.links.result}


def _styles(job: JobView) -> str:
    return " + ".join(_shown(job, "style", source) for source, _ in job.request.weighted_styles())


def _shown(job: JobView, label: str, source: ImageSource) -> str:
    """Return the name that `submit` noted, or one made from the source."""
    if label in job.metadata:
        return job.metadata[label]
    if isinstance(source, UrlSource):
        return shown_url(source.url)
    return "data:..." if isinstance(source, DataSource) else f"upload {source.upload_id[:12]}"


def when(moment: datetime | None) -> str:
    if moment is None:
        return "-"
    return f"{age(moment)} ago ({moment.astimezone():%Y-%m-%d %H:%M:%S})"


def age(moment: datetime) -> str:
    return duration((datetime.now(UTC) - moment).total_seconds())


def duration(seconds: float) -> str:
    """Return the duration in the largest unit that fits twice."""
    seconds = max(0, int(seconds))
    units = (("d", 86_400), ("h", 3_600), ("min", 60))
    fitting = (f"{seconds // size} {name}" for name, size in units if seconds >= 2 * size)
    return next(fitting, f"{seconds} s")
