"""Names of styles in the names of result files. Styles of one name get what tells them apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from client.folder.blends import parts_of
from client.folder.file_names import STEM_BYTES, name_of, stem_of
from client.folder.inputs import URL_SCHEMES
from shared.policy.file_names import portable_name, same_name


def style_names(styles: Sequence[str]) -> list[str]:
    """Return a name for each style: its stem, and for styles of one stem also their folder or suffix."""
    names = [_name(style) for style in styles]
    alike: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        alike[same_name(name)].append(place)
    for places in alike.values():
        differing = _differing([_surroundings(styles[place]) for place in places])
        for place, word in zip(places, differing, strict=False):
            names[place] = portable_name(f"{names[place]}-{word}", 2 * STEM_BYTES)
    return names


def _name(style: str) -> str:
    blend = parts_of(style)
    return "+".join(f"{_name(picture)}-{weight}" for picture, weight in blend) or stem_of(_last_part(style))


def _last_part(style: str) -> str:
    return name_of(style if style.startswith(URL_SCHEMES) else Path(style))


def _surroundings(style: str) -> list[str]:
    """Return the folder, the suffix, and the folders further out."""
    path = PurePosixPath(unquote(urlsplit(style).path) if style.startswith(URL_SCHEMES) else style)
    folder, *further = [*reversed(path.parts[:-1]), ""]
    return [folder, path.suffix.removeprefix("."), *further]


def _differing(surroundings: Sequence[Sequence[str]]) -> Sequence[str]:
    """Return the first words by which all differ; nothing if there are none."""
    if len(surroundings) == 1:
        return ()
    columns = zip_longest(*surroundings, fillvalue="")
    return next((words for words in columns if len(set(map(same_name, words))) == len(words)), ())
