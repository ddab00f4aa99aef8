"""Jobs that meet a filter: the test of one record, and the range of ids for a range of times."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from pydantic_core import from_json

from shared.ids import batch_of, first_job_id, lines_between
from shared.store.codecs.job import tags_of
from shared.store.owner_lists import Ids
from shared.wire.job_filter import JobFilter, moment_of

if TYPE_CHECKING:
    from shared.store.job_reader import JobSnapshot

Behind = Callable[[str | None, int], Ids]
MOST_PASSED_OVER = 50  # groups of batches in one look


def meets(wanted: JobFilter, found: JobSnapshot) -> bool:
    """Return whether a job meets a filter. The filter's batch is not checked: its list has no other jobs."""
    fields = found.fields
    return (
        wanted.status in (None, found.status)
        and wanted.lane in (None, found.lane)
        and (wanted.tag is None or wanted.tag in found.tags)
        and wanted.custom_id in (None, fields.get("custom_id"))
        and wanted.code in (None, _error(fields).get("code"))
        and (wanted.text is None or _has_text(fields, wanted.text.casefold()))
        and (wanted.created_after is None or found.job_id >= _first_id(wanted.created_after))
        and (wanted.created_before is None or found.job_id < _first_id(wanted.created_before))
    )


def within_times(behind: Behind, wanted: JobFilter) -> Behind:
    """Return the function `behind` for a list that is newest first, which reads only the filter's times."""
    newest = _first_id(wanted.created_before) if wanted.created_before else None
    oldest = _first_id(wanted.created_after) if wanted.created_after else ""

    def bounded(cursor: str | None, number: int) -> Ids:
        if newest is not None and (cursor is None or cursor > newest):
            cursor = newest
        found = behind(cursor, number)
        ids = tuple(each for each in found.ids if each >= oldest)
        return Ids(ids, found.more and len(ids) == len(found.ids))

    return bounded


def passing_over(behind: Behind, lacking: Callable[[Collection[str]], Collection[str]]) -> Behind:
    """Return the function `behind` for a list that is newest first, without the jobs of some batches.

    `lacking` returns which of some batches have no job that is wanted. What is left of such a batch is not
    read, however many jobs it has.
    """

    def bounded(cursor: str | None, number: int) -> Ids:
        last = cursor
        for _ in range(MOST_PASSED_OVER):
            found = behind(last, number)
            left_out = lacking({batch_of(each) for each in found.ids})
            ids = tuple(each for each in found.ids if batch_of(each) not in left_out)
            if ids or not found.more:
                return Ids(ids, found.more)
            last = lines_between(batch_of(found.ids[-1]))[0]
        return Ids((last or "",), more=True)  # no job has this id; the next page goes on behind it

    return bounded


def _first_id(moment: str) -> str:
    return first_job_id(int(moment_of(moment).timestamp() * 1000))


def _error(fields: Mapping[str, str]) -> dict[str, str]:
    error: dict[str, str] = from_json(fields["error"]) if "error" in fields else {}
    return error


def _has_text(fields: Mapping[str, str], text: str) -> bool:
    metadata: dict[str, str] = from_json(fields["metadata"]) if "metadata" in fields else {}
    texts = (
        fields.get("custom_id", ""),
        *tags_of(fields),
        *metadata.values(),
        _error(fields).get("detail", ""),
    )
    return any(text in each.casefold() for each in texts)
