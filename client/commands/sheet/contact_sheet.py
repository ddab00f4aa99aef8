"""One picture of many results: photos on top, a row for each style, in blocks beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps
from pillow_heif import register_heif_opener

from client.folder.inputs import shown_name

CELL, LABEL, GAP, MARGIN, AISLE = 180, 44, 10, 30, 40  # pixels; a cell is a square with a label of two lines
LABEL_POINTS, LABEL_CHARACTERS = 14, 24
TALLEST = 1.2  # height of a sheet in widths
BACKGROUND, INK, HOLE = (245, 243, 239), (58, 56, 54), (226, 223, 218)
JPEG_QUALITY = 90

register_heif_opener()


@dataclass(frozen=True)
class Row:
    """A style or blend and its results, one for each photo; None leaves a hole."""

    label: str
    styles: Sequence[Path]  # several for a blend
    results: Sequence[Path | None]


@dataclass(frozen=True)
class ContactSheet:
    photos: Sequence[str]  # paths, or URLs, which leave holes
    rows: Sequence[Row]

    def save(self, path: Path) -> None:
        blocks = self._blocks()
        width, height = self._block_size(blocks[0])
        sheet = Image.new(
            "RGB", (2 * MARGIN + len(blocks) * (width + AISLE) - AISLE, 2 * MARGIN + height), BACKGROUND
        )
        for number, rows in enumerate(blocks):
            self._draw_block(sheet, MARGIN + number * (width + AISLE), rows)
        sheet.save(path, quality=JPEG_QUALITY)

    def _blocks(self) -> list[Sequence[Row]]:
        """Return the rows in as few blocks as make a sheet that is not too tall."""
        for number in range(1, len(self.rows) + 1):
            rows = ceil(len(self.rows) / number)
            width, height = self._block_size(self.rows[:rows])
            if height <= TALLEST * width * number:
                break
        return [self.rows[first : first + rows] for first in range(0, len(self.rows), rows)]

    def _block_size(self, rows: Sequence[Row]) -> tuple[int, int]:
        return (1 + len(self.photos)) * (CELL + GAP) - GAP, (1 + len(rows)) * (CELL + LABEL + GAP) - GAP

    def _draw_block(self, sheet: Image.Image, left: int, rows: Sequence[Row]) -> None:
        for column, photo in enumerate(self.photos, 1):
            x = left + column * (CELL + GAP)
            _place(sheet, Path(photo), x, MARGIN)
            _write(sheet, shown_name(photo), x, MARGIN + CELL)
        for number, row in enumerate(rows, 1):
            y = MARGIN + number * (CELL + LABEL + GAP)
            width = CELL // len(row.styles)
            for part, style in enumerate(row.styles):
                _place(sheet, style, left + part * width, y, width)
            _write(sheet, row.label, left, y + CELL)
            for column, result in enumerate(row.results, 1):
                _place(sheet, result, left + column * (CELL + GAP), y)


def _place(sheet: Image.Image, picture: Path | None, x: int, y: int, width: int = CELL) -> None:
    """Place the picture in the middle of its cell, or a hole if Pillow cannot read the picture.

    A cell narrower than CELL shows only the middle of the picture.
    """
    fit = ImageOps.contain if width == CELL else ImageOps.fit
    try:
        with Image.open(picture or "") as image:
            image.draft("RGB", (2 * CELL, 2 * CELL))
            small = fit(_with_8_bits(ImageOps.exif_transpose(image)).convert("RGB"), (width, CELL))
    except (OSError, Image.DecompressionBombError):
        small = Image.new("RGB", (width, CELL), HOLE)
    sheet.paste(small, (x + (width - small.width) // 2, y + (CELL - small.height) // 2))


def _with_8_bits(image: Image.Image) -> Image.Image:
    return image.point(lambda value: value / 257).convert("L") if image.mode.startswith("I;16") else image


def _write(sheet: Image.Image, text: str, x: int, y: int) -> None:
    lines = [
        line if len(line) <= LABEL_CHARACTERS else line[: LABEL_CHARACTERS - 1] + "…"
        for line in text.splitlines()
    ]
    font = ImageFont.load_default(LABEL_POINTS)
    ImageDraw.Draw(sheet).multiline_text((x, y + GAP // 2), "\n".join(lines), INK, font)
