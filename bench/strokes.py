"""Measure stroke_side: a large result against one of 512 pixels, in style and in edges.

The style loss is that of the result scaled down to 512 pixels, over that of a result painted at 512 pixels.
The edges are the correlation of the gradients' magnitudes with the photograph's, at full size.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench.measures.report import Report, table
from bench.quality import Studio
from samples import content_paths, style_paths
from shared.wire.params import Params
from worker.images.arrays import Picture
from worker.model.gatys.objective import Objective
from worker.painting.strokes import paint_in_octaves

SMALL = 512  # pixels of the longer side: the result whose strokes the large ones shall have
SHEET_CELL = 230  # pixels of the longer side
SHEET_QUALITY = 82


@dataclass(frozen=True)
class Row:
    style: str
    side: int
    style_without: float  # times the small result's
    style_with: float
    edges_enlarged: float  # of the small result, enlarged
    edges_with: float


def scaled(picture: Picture, side: int) -> Picture:
    scale = side / max(picture.shape)
    return resized(picture, round(picture.shape[1] * scale), round(picture.shape[0] * scale))


def resized(picture: Picture, width: int, height: int) -> Picture:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def style_loss(objective: Objective, picture: Picture) -> float:
    return objective.losses(scaled(picture, SMALL).astype(np.float32) / np.float32(255)).style


def edges(picture: Picture, photograph: Picture) -> float:
    return float(np.corrcoef(_gradient(picture), _gradient(photograph))[0, 1])


def _gradient(picture: Picture) -> Picture:
    down, right = np.gradient(picture.mean(axis=2, dtype=np.float32))
    return np.asarray(np.hypot(down, right).ravel())


class Comparison:
    """One photograph at all sizes; it is enlarged where the file is smaller."""

    def __init__(self, photo: Path, sides: list[int]) -> None:
        self.studio = Studio(max(sides), 0)
        self.photo = np.asarray(Image.open(photo).convert("RGB"))
        self.sides = sides

    def rows(self, style_file: Path) -> tuple[list[Row], list[list[Picture]]]:
        """Return the measurements of a style, and the results small: without stroke_side, and with it."""
        studio, style = self.studio, self.studio.content(style_file, SMALL)
        small = studio.fast(scaled(self.photo, SMALL), style_file)
        objective = studio.original.objective(small, [(style, 1.0)], Params(losses=True))
        reference = style_loss(objective, small)
        rows, cells = [], [[scaled(small, SHEET_CELL)], [scaled(small, SHEET_CELL)]]
        for side in self.sides:
            photograph = scaled(self.photo, side)
            without = studio.fast(photograph, style_file)
            passes = Params(stroke_side=SMALL).sides_of_passes(side)
            found = paint_in_octaves(lambda picture: studio.fast(picture, style_file), photograph, passes)
            rows.append(
                Row(
                    style_file.stem,
                    side,
                    style_loss(objective, without) / reference,
                    style_loss(objective, found) / reference,
                    edges(resized(small, photograph.shape[1], photograph.shape[0]), photograph),
                    edges(found, photograph),
                )
            )
            for line, picture in zip(cells, (without, found), strict=True):
                line.append(scaled(picture, SHEET_CELL))
        return rows, cells


def sheet(lines: list[list[Picture]]) -> Image.Image:
    height, width, _ = lines[0][0].shape
    page = Image.new("RGB", (width * len(lines[0]), height * len(lines)), "white")
    for row, line in enumerate(lines):
        for column, picture in enumerate(line):
            page.paste(Image.fromarray(picture), (column * width, row * height))
    return page


def main() -> None:
    arguments = _arguments()
    report = Report("strokes")
    comparison = Comparison(arguments.photo, arguments.sides)
    rows: list[Row] = []
    for style_file in [path for path in style_paths() if path.stem in arguments.styles]:
        measured, lines = comparison.rows(style_file)
        rows += measured
        report.say("; ".join(str(row) for row in measured))
        if arguments.sheets:
            target = arguments.sheets / f"strokes-{style_file.stem}.jpg"
            sheet(lines).save(target, quality=SHEET_QUALITY)
    headings = ("style", "side", "style without", "style with", "edges: 512 enlarged", "edges with")
    report.say(
        table(
            headings,
            [
                [f"{value:.2f}" if isinstance(value, float) else value for value in asdict(row).values()]
                for row in rows
            ],
        )
    )
    report.finish(max(row.style_with for row in rows), [asdict(row) for row in rows])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path, default=content_paths()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[1024, 2048, 4096])
    parser.add_argument("--styles", nargs="+", default=[path.stem for path in style_paths()])
    parser.add_argument("--sheets", type=Path, help="folder for contact sheets")
    return parser.parse_args()


if __name__ == "__main__":
    main()
