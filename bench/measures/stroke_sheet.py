"""Draws a contact sheet of results of several sizes: whole, and one part of each, all equally large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from worker.images.arrays import Picture

CELL = 270  # pixels of the width of each cell
PART = 8  # a part is this fraction of the picture's width
GAP = 4
TITLE = 18  # pixels of the height of a line of text
INK = (40, 40, 40)


class StrokeSheet:
    """Two rows of cells for each way to paint, one of whole pictures and one of parts."""

    def __init__(self, columns: Sequence[str], center: tuple[float, float]) -> None:
        """`center` is that of the parts, as fractions of the width and the height."""
        self._columns = columns
        self._center = center
        self._rows: dict[str, list[Image.Image]] = {}

    def add(self, row: str, picture: Picture) -> None:
        """Append a picture to the rows of one way to paint. Only its cells are kept."""
        image = Image.fromarray(picture)
        whole = image.resize((CELL, round(CELL * image.height / image.width)), Image.Resampling.LANCZOS)
        self._rows.setdefault(f"{row}: whole", []).append(whole)
        cut = self._part(image).resize((CELL, CELL), Image.Resampling.LANCZOS)
        self._rows.setdefault(f"{row}: 1/{PART} of the width", []).append(cut)

    def image(self) -> Image.Image:
        heights = {title: TITLE + cells[0].height + GAP for title, cells in self._rows.items()}
        width = len(self._columns) * (CELL + GAP) - GAP
        page = Image.new("RGB", (width, TITLE + sum(heights.values())), "white")
        draw = ImageDraw.Draw(page)
        for place, text in self._titles(heights).items():
            draw.text(place, text, INK)
        top = TITLE
        for title, cells in self._rows.items():
            for column, cell in enumerate(cells):
                page.paste(cell, (column * (CELL + GAP), top + TITLE))
            top += heights[title]
        return page

    def _titles(self, heights: Mapping[str, int]) -> dict[tuple[int, int], str]:
        columns = {(number * (CELL + GAP), 2): text for number, text in enumerate(self._columns)}
        tops = TITLE + np.cumsum([0, *heights.values()])
        return columns | {(0, int(top) + 2): title for title, top in zip(heights, tops, strict=False)}

    def _part(self, image: Image.Image) -> Image.Image:
        side = image.width // PART
        x, y = (round(share * length) for share, length in zip(self._center, image.size, strict=True))
        left, top = (
            min(max(0, x - side // 2), image.width - side),
            min(max(0, y - side // 2), image.height - side),
        )
        return image.crop((left, top, left + side, top + side))
