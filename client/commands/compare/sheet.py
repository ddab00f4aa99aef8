"""A comparison as one picture: inputs, results, the curves of the losses, and a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from client.commands.compare.comparison import Comparison

SIZE_INCHES = (15.0, 8.5)
DOTS_PER_INCH = 110
COLORS = {"total": "black", "content": "tab:blue", "style": "tab:orange"}
HEADINGS = ("", "content", "style", "total")


def draw(comparison: Comparison, target: Path) -> None:
    """Write the sheet in the format of the target's suffix."""
    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    parts: Any = figure.subfigures(2, 1, height_ratios=(3, 2))
    upper, lower = parts
    _draw_pictures(upper.subplots(1, 4), comparison)
    curves, table = lower.subplots(1, 2)
    _draw_curves(curves, comparison)
    _draw_table(table, comparison)
    figure.savefig(target)


def _draw_pictures(places: Any, comparison: Comparison) -> None:
    how = comparison.optimization
    titles = {
        "content": comparison.content,
        "style": comparison.style,
        f"fast: {comparison.fast_seconds:.2g} s": comparison.fast,
        f"optimize: {how.iterations} steps, {comparison.optimize_seconds:.0f} s": comparison.optimized,
    }
    for place, (title, file) in zip(places, titles.items(), strict=True):
        with Image.open(file) as picture:
            place.imshow(picture.convert("RGB"))
        place.set_title(title)
        place.set_axis_off()


def _draw_curves(place: Any, comparison: Comparison) -> None:
    """Draw each loss with its weight in the total, and the fast picture's total for comparison."""
    curve, losses = comparison.optimization.curve, comparison.optimized_losses
    iterations = [point.iteration for point in curve]
    lines = {
        "total": [point.total for point in curve],
        "content": [losses.alpha * point.content for point in curve],
        "style": [losses.beta * point.style for point in curve],
    }
    names = {"total": "total", "content": "alpha * content", "style": "beta * style"}
    for name, values in lines.items():
        place.plot(iterations, values, color=COLORS[name], label=names[name])
    place.axhline(comparison.fast_losses.total, color="tab:red", linestyle=":", label="total of fast")
    place.set_yscale("log")
    place.set_xlabel("step")
    place.xaxis.get_major_locator().set_params(integer=True)
    place.set_title(f"loss at alpha = {losses.alpha:g}, beta = {losses.beta:g} ({losses.network})")
    place.grid(visible=True, alpha=0.3)
    place.legend()


def _draw_table(place: Any, comparison: Comparison) -> None:
    cells = [
        [name, *(f"{value:.4g}" for value in (losses.content, losses.style, losses.total))]
        for name, losses in comparison.rows()
    ]
    place.set_axis_off()
    table = place.table(cellText=cells, colLabels=HEADINGS, loc="center", cellLoc="right")
    table.auto_set_font_size(False)
    table.set_fontsize(12)
    table.scale(1, 2.2)
