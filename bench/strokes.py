"""Measure stroke_side: large results, with it and by one pass, against one of 512 pixels.

The style loss is that of the result scaled down to 512 pixels, over that of a result painted at 512 pixels.
The edges are the correlation of the gradients' magnitudes with the photograph's, at full size. Give a
photograph that has so many pixels: an enlarged one has no fine edges.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench.measures.report import Report, table
from bench.measures.stroke_sheet import StrokeSheet
from bench.quality import Studio
from samples import content_paths, style_paths
from shared.wire.params import Params
from worker.images.arrays import Picture
from worker.model.gatys.objective import Objective
from worker.painting.strokes import paint_in_octaves

SMALL = 512  # pixels of the longer side: the result whose strokes the large ones shall have
SHEET_QUALITY = 78
ONE_PASS, STROKES = "one pass", f"stroke_side {SMALL}"
HEADINGS = (
    *("photograph x style", "side", "style: one pass", "stroke_side"),
    *("edges: 512 enlarged", "one pass", "stroke_side", "gain"),
)


@dataclass(frozen=True)
class Row:
    pair: str
    side: int
    style_of_one_pass: float  # times the small result's
    style: float
    edges_enlarged: float  # of the small result, enlarged
    edges_of_one_pass: float
    edges: float

    def cells(self) -> list[object]:
        losses = [f"{value:.2f}" for value in (self.style_of_one_pass, self.style)]
        edges = [f"{value:.3f}" for value in (self.edges_enlarged, self.edges_of_one_pass, self.edges)]
        return [self.pair, self.side, *losses, *edges, f"{self.edges - self.edges_enlarged:+.3f}"]


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
    """One photograph at all sizes, painted with one style after the other."""

    def __init__(self, photo: Path, sides: list[int], center: tuple[float, float]) -> None:
        self.studio = Studio(max(sides), 0)
        self.name, self.photo = photo.stem, np.asarray(Image.open(photo).convert("RGB"))
        self.sides, self._center = sides, center

    def rows(self, style_file: Path) -> Iterator[Row | StrokeSheet]:
        """Yield the measurements of each size, then the sheet."""
        studio, style = self.studio, self.studio.content(style_file, SMALL)
        small = studio.fast(scaled(self.photo, SMALL), style_file)
        objective = studio.original.objective(small, [(style, 1.0)], Params(losses=True))
        reference = style_loss(objective, small)
        sheet = StrokeSheet([f"{side} px" for side in (SMALL, *self.sides)], self._center)
        for way in (ONE_PASS, STROKES):
            sheet.add(way, small)
        for side in self.sides:
            photograph = scaled(self.photo, side)
            one_pass, found = self._painted(photograph, style_file)
            enlarged = resized(small, photograph.shape[1], photograph.shape[0])
            losses = (style_loss(objective, picture) / reference for picture in (one_pass, found))
            sharpness = (edges(picture, photograph) for picture in (enlarged, one_pass, found))
            yield Row(f"{self.name} x {style_file.stem}", side, *losses, *sharpness)
            sheet.add(ONE_PASS, one_pass)
            sheet.add(STROKES, found)
        yield sheet

    def _painted(self, photograph: Picture, style_file: Path) -> tuple[Picture, Picture]:
        passes = Params(stroke_side=SMALL).sides_of_passes(max(photograph.shape))
        found = paint_in_octaves(lambda picture: self.studio.fast(picture, style_file), photograph, passes)
        return self.studio.fast(photograph, style_file), found


def main() -> None:
    arguments = _arguments()
    report = Report("strokes")
    comparison = Comparison(arguments.photo, arguments.sides, tuple(arguments.center))
    height, width, _ = comparison.photo.shape
    report.say(f"{arguments.photo.name}: {width} x {height} pixels")
    if max(arguments.sides) > max(width, height):
        report.say("WARNING: the photograph is enlarged; at those sizes its edges say little")
    rows: list[Row] = []
    for style_file in [path for path in style_paths() if path.stem in arguments.styles]:
        for found in comparison.rows(style_file):
            if isinstance(found, Row):
                rows.append(found)
                report.say("  ".join(str(cell) for cell in found.cells()))
            elif arguments.sheets:
                target = arguments.sheets / f"strokes-{style_file.stem}.jpg"
                found.image().save(target, quality=SHEET_QUALITY, optimize=True)
    report.say(table(HEADINGS, [row.cells() for row in rows]))
    report.finish(max(row.style for row in rows), [asdict(row) for row in rows])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path, default=content_paths()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[1024, 2048, 4096])
    parser.add_argument("--styles", nargs="+", default=[path.stem for path in style_paths()])
    parser.add_argument("--sheets", type=Path, help="folder for contact sheets")
    parser.add_argument(
        "--center", type=float, nargs=2, default=[0.5, 0.5], help="of the sheet's parts: shares of both sides"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
