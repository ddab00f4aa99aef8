"""Files that a command skips because they are not pictures, by kind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from client.folder.inputs import NoPicture
from shared.policy.picture_names import skipped_in_words


class Skipped(BaseModel):
    """Files of one kind."""

    model_config = ConfigDict(frozen=True)

    kind: str
    count: int
    files: tuple[str, ...] = ()  # empty for files that the service skipped, which it only counts


def by_kind(found: Iterable[NoPicture]) -> tuple[Skipped, ...]:
    files: dict[str, list[str]] = defaultdict(list)
    for each in found:
        files[each.kind].append(each.path.encode(errors="replace").decode())  # JSON holds only text
    return tuple(
        Skipped(kind=kind, count=len(paths), files=tuple(paths)) for kind, paths in sorted(files.items())
    )


def in_words(skipped: Iterable[Skipped]) -> str:
    """Return `6 files skipped: 2 .mp4, 4 text`."""
    counts: Counter[str] = Counter()
    for each in skipped:
        counts[each.kind] += each.count
    return skipped_in_words(counts)
