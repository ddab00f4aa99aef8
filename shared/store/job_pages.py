"""Pages of jobs from long lists of ids, found with a bounded number of reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.store.owner_lists import Ids

if TYPE_CHECKING:
    from shared.store.job_reader import JobSnapshot

RECORDS_PER_SCAN = 200
SCANS_PER_PAGE = 10


@dataclass(frozen=True)
class Page:
    """Jobs, newest first, or by line for a batch; `cursor` continues behind the last one that was read."""

    jobs: tuple[JobSnapshot, ...]
    cursor: str | None


def page_of(
    behind: Callable[[str | None, int], Ids],
    look: Callable[[Sequence[str]], list[JobSnapshot]],
    wanted: Callable[[JobSnapshot], bool],
    limit: int,
    cursor: str | None,
    *,
    filtered: bool = True,
) -> Page:
    """Return up to `limit` jobs that are `wanted`, from the ids that `behind` finds behind a cursor.

    If the list is `filtered`, reads a few thousand records at the most, so a page with rare matches may be
    short. Otherwise nearly all are wanted, and it reads hardly more of them than it returns.
    """
    found: list[JobSnapshot] = []
    for _ in range(SCANS_PER_PAGE):
        some = behind(cursor, RECORDS_PER_SCAN if filtered else limit + 1)
        found += filter(wanted, look(some.ids))
        if len(found) > limit:
            return Page(tuple(found[:limit]), found[limit - 1].job_id)
        if not some.more:
            return Page(tuple(found), None)
        cursor = some.ids[-1]
    return Page(tuple(found), cursor)
