"""Jobs that meet a filter: the test of one record, and the range of ids for a range of times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pydantic_core import from_json

from shared.ids import first_job_id
from shared.store.codecs.job import tags_of
from shared.store.owner_lists import Ids
from shared.wire.job_filter import JobFilter, moment_of

if TYPE_CHECKING:
    from shared.store.job_reader import JobSnapshot

Behind = Callable[[str | None, int], Ids]


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
