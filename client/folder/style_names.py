"""Names of photos and styles in the names of result files. Pictures of one name get what tells them apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from client.folder.blends import parts_of, pictures_in
from client.folder.file_names import STEM_BYTES, stem_of
from client.folder.inputs import URL_SCHEMES, shown_name
from shared.policy.file_names import portable_name, same_name


def style_names(styles: Sequence[str]) -> list[str]:
    """Return a name for each style: that of its picture, or the names and weights of a blend's pictures."""
    names = picture_names(chain.from_iterable(map(pictures_in, styles)))
    return [_blend_name(parts_of(style), names) or names[style] for style in styles]


def _blend_name(blend: Sequence[tuple[str, str]], names: Mapping[str, str]) -> str:
    """Return the name of a blend; names of many pictures are cut, weights are not."""
    weights = [f"-{float(weight):g}" for _, weight in blend]
    bytes_for_each = STEM_BYTES // max(len(blend), 1) - 1
    return "+".join(
        portable_name(names[picture], bytes_for_each - len(weight)) + weight
        for (picture, _), weight in zip(blend, weights, strict=True)
    )


def picture_names(pictures: Iterable[str]) -> dict[str, str]:
    """Return a name for each path or URL: its stem, and for those of one stem also the folder or suffix."""
    names = {picture: stem_of(shown_name(picture)) for picture in pictures}
    alike: dict[str, list[str]] = defaultdict(list)
    for picture, name in names.items():
        alike[same_name(name)].append(picture)
    for those in alike.values():
        for picture, word in zip(those, _differing(list(map(_surroundings, those))), strict=False):
            words = (portable_name(names[picture], STEM_BYTES // 2), word)
            names[picture] = portable_name("-".join(filter(None, words)), STEM_BYTES)
    return names


def _surroundings(picture: str) -> list[str]:
    """Return the folder or host, the suffix, and the folders further out."""
    url = urlsplit(picture) if picture.startswith(URL_SCHEMES) else None
    path = PurePosixPath(url.netloc + unquote(url.path) if url else picture)
    folder, *further = [*reversed(path.parts[:-1]), ""]
    return [folder, path.suffix.removeprefix("."), *further]


def _differing(surroundings: Sequence[Sequence[str]]) -> Sequence[str]:
    """Return the first words by which all differ; nothing if there are none."""
    if len(surroundings) == 1:
        return ()
    columns = zip_longest(*surroundings, fillvalue="")
    return next((words for words in columns if len(set(map(same_name, words))) == len(words)), ())
