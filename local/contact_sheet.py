"""One picture of the demo: photographs on top, styles at the left, results in the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROW_HEIGHT = 240  # of every picture; widths follow from the shapes of the photographs
LABEL_HEIGHT = 30
GAP = 14
MARGIN = 40
AISLE = 26  # between originals and results
LABEL_POINTS = 16
TITLE_POINTS = 24
JPEG_QUALITY = 90

BACKGROUND = (245, 243, 239)
INK = (58, 56, 54)
PALE_INK = (138, 134, 130)
HOLE = (226, 223, 218)  # where a picture is missing


@dataclass(frozen=True)
class Cell:
    """A place on the sheet, in pixels; all cells are ROW_HEIGHT high."""

    x: int
    y: int
    width: int


@dataclass(frozen=True)
class ContactSheet:
    """`results` are keyed by the stems of content and style; a missing result leaves a hole."""

    title: str
    subtitle: str
    contents: Sequence[Path]
    styles: Sequence[Path]
    results: Mapping[tuple[str, str], Path]

    def save(self, path: Path) -> None:
        columns, rows = self._columns(), self._rows()
        size = columns[-1].x + columns[-1].width + MARGIN, rows[-1] + ROW_HEIGHT + LABEL_HEIGHT + MARGIN
        sheet = Image.new("RGB", size, BACKGROUND)
        self._write_title(sheet)
        for content, column in zip(self.contents, columns[1:], strict=True):
            place(sheet, content, Cell(column.x, rows[0], column.width), content.stem)
        for style, y in zip(self.styles, rows[1:], strict=True):
            place(sheet, style, Cell(columns[0].x, y, columns[0].width), style.stem)
            for content, column in zip(self.contents, columns[1:], strict=True):
                result = self.results.get((content.stem, style.stem))
                place(sheet, result, Cell(column.x, y, column.width), "")
        sheet.save(path, quality=JPEG_QUALITY)

    def _columns(self) -> list[Cell]:
        """Return the styles' column and one for each photograph; only `x` and `width` count."""
        columns = [Cell(MARGIN, 0, ROW_HEIGHT)]
        x = MARGIN + ROW_HEIGHT + AISLE
        for content in self.contents:
            columns.append(Cell(x, 0, width_at_row_height(content)))
            x += columns[-1].width + GAP
        return columns

    def _rows(self) -> list[int]:
        """Return the top of the photographs' row and of each style's row."""
        first_style = MARGIN + ROW_HEIGHT + LABEL_HEIGHT + AISLE
        step = ROW_HEIGHT + LABEL_HEIGHT + GAP
        return [MARGIN, *(first_style + step * index for index in range(len(self.styles)))]

    def _write_title(self, sheet: Image.Image) -> None:
        draw = ImageDraw.Draw(sheet)
        draw.text((MARGIN, MARGIN), self.title, INK, ImageFont.load_default(TITLE_POINTS))
        below = MARGIN + TITLE_POINTS + GAP
        draw.multiline_text((MARGIN, below), self.subtitle, PALE_INK, ImageFont.load_default(LABEL_POINTS))


def width_at_row_height(picture: Path) -> int:
    with Image.open(picture) as image:
        return round(image.width * ROW_HEIGHT / image.height)


def place(sheet: Image.Image, picture: Path | None, cell: Cell, label: str) -> None:
    size = cell.width, ROW_HEIGHT
    if picture is None:
        sheet.paste(HOLE, (cell.x, cell.y, cell.x + cell.width, cell.y + ROW_HEIGHT))
    else:
        with Image.open(picture) as image:
            sheet.paste(image.convert("RGB").resize(size, Image.Resampling.LANCZOS), (cell.x, cell.y))
    middle = cell.x + cell.width // 2, cell.y + ROW_HEIGHT + LABEL_HEIGHT // 2
    text = label.replace("-", " ")
    ImageDraw.Draw(sheet).text(middle, text, INK, ImageFont.load_default(LABEL_POINTS), anchor="mm")
