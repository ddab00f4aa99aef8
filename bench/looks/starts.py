"""Minimize sample pairs from several starts by the same objective, and draw them on one sheet.

`python -m bench.looks.starts` prints each total loss and the time.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.measures.report import Report, table
from bench.quality import Studio
from samples import content_paths, style_paths
from worker.images.arrays import Picture
from worker.painting.color_start import in_colors_of

PAIRS = (
    "astronaut x windy-night", "cat x facets", "coffee x stained-glass",
    "rocket x windy-night", "astronaut x facets", "cat x ink-hatching",
)  # fmt: skip
FAST, CONTENT, COLOR = "fast", "content", "color"
HEADINGS = ("pair", FAST, CONTENT, COLOR, "color / fast", "s")
CELL_INCHES, DOTS_PER_INCH, JPEG_QUALITY = 2.1, 100, 85

Row = tuple[str, dict[str, Picture], dict[str, float], float]  # pair, pictures, totals, seconds of the last


def main() -> None:
    arguments = _arguments()
    report = Report("starts")
    studio = Studio(arguments.side, arguments.iterations)
    rows = []
    for pair in PAIRS[: arguments.pairs]:
        rows.append(_minimized(studio, pair))
        report.say(f"{pair}: {rows[-1][2]}")
    report.say(table(HEADINGS, [_cells(row) for row in rows]))
    ratios = [totals[COLOR] / totals[FAST] for _, _, totals, _ in rows]
    lower = sum(ratio < 1 for ratio in ratios)
    report.say(f"color below fast for {lower} of {len(rows)} pairs, {median(ratios):.2f} times in the median")
    _draw(rows, arguments.sheet)
    report.finish(median(ratios), [row[2] for row in rows], side=arguments.side, steps=arguments.iterations)


def _minimized(studio: Studio, pair: str) -> Row:
    content_file, style_file = (
        next(path for path in paths if path.stem == name)
        for name, paths in zip(pair.split(" x "), (content_paths(), style_paths()), strict=True)
    )
    content, style = studio.content(content_file), studio.content(style_file)
    starts = {
        FAST: studio.fast(content, style_file),
        CONTENT: content,
        COLOR: in_colors_of([(style, 1.0)], content),
    }
    pictures, totals, seconds = {"photograph": content, "style": style}, {}, 0.0
    for name, start in starts.items():
        began_at = time.perf_counter()
        pictures[f"from {name}"], curve = studio.optimize(content, style, start)
        totals[name], seconds = curve[-1], time.perf_counter() - began_at
    return pair, pictures, totals, seconds


def _cells(row: Row) -> list[object]:
    pair, _, totals, seconds = row
    ratio = totals[COLOR] / totals[FAST]
    return [pair, *(f"{total:.3g}" for total in totals.values()), f"{ratio:.2f}", f"{seconds:.0f}"]


def _draw(rows: list[Row], target: Path) -> None:
    """Draw a row for each pair: photograph, style, and the results."""
    columns = len(rows[0][1])
    size = (CELL_INCHES * columns, CELL_INCHES * len(rows))
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    places = figure.subplots(len(rows), columns, squeeze=False)
    for line, (_, pictures, totals, _) in zip(places, rows, strict=True):
        for place, (title, picture) in zip(line, pictures.items(), strict=True):
            total = totals.get(title.removeprefix("from "))
            place.imshow(picture)
            place.set_title(title if total is None else f"{title}: {total:.3g}", fontsize=8)
            place.set_axis_off()
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, pil_kwargs={"quality": JPEG_QUALITY})
    print(f"written: {target}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=160, help="longest side, in pixels")
    parser.add_argument("--iterations", type=int, default=60)
    parser.add_argument("--pairs", type=int, default=len(PAIRS), help="how many of the pairs")
    parser.add_argument("--sheet", type=Path, default=Path("bench-out/starts.jpg"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
