"""Blends of styles, as people write them: a.jpg:0.7+b.jpg:0.3."""

from __future__ import annotations

import re

PART = re.compile(r"(.+?):(\d+(?:\.\d+)?|\.\d+)(?:\+|$)")


def parts_of(style: str) -> tuple[tuple[str, str], ...]:
    """Return the pictures of a blend and their weights as written; nothing if the text is one picture."""
    found = PART.findall(style)
    whole = "+".join(f"{picture}:{weight}" for picture, weight in found)
    return tuple(found) if whole == style and len(found) > 1 else ()


def pictures_in(style: str) -> list[str]:
    """Return the paths and URLs of a style's pictures; of one, unless it is a blend."""
    return [picture for picture, _ in parts_of(style)] or [style]
