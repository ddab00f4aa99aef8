"""Show the effect of alpha and beta: one photograph in one style, minimized with several ratios, as one
picture.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.measures.report import OUT
from bench.quality import Studio
from samples import content_paths, style_paths
from shared.wire.params import Params
from worker.images.arrays import Picture

BETAS = (1.0, 10.0, 100.0, 1_000.0, 10_000.0)
CONTENT, STYLE = "cat", "windy-night"
SIZE_INCHES, DOTS_PER_INCH = (14.0, 5.2), 100


def main() -> None:
    arguments = _arguments()
    studio = Studio(arguments.side, arguments.iterations)
    content_file = next(path for path in content_paths() if path.stem == CONTENT)
    style_file = next(path for path in style_paths() if path.stem == STYLE)
    content, style = studio.content(content_file), studio.content(style_file)
    pictures = {"content": content, "style": style, "fast": studio.fast(content, style_file)}
    for beta in BETAS:
        picture, _ = studio.optimize(content, style, content, beta=beta)
        losses = studio.original.report(picture, content, [(style, 1.0)], Params(losses=True, beta=beta))
        title = f"beta = {beta:g}: content {losses.content:.2g}, style {losses.style:.2g}"
        print(title, flush=True)
        pictures[title] = picture
    OUT.mkdir(parents=True, exist_ok=True)
    draw(pictures, OUT / "sweep.jpg")


def draw(pictures: dict[str, Picture], target: Path) -> None:
    """Draw two rows of four pictures."""
    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    for place, (title, picture) in zip(figure.subplots(2, 4).flat, pictures.items(), strict=True):
        place.imshow(picture)
        place.set_title(title, fontsize=10)
        place.set_axis_off()
    figure.savefig(target)
    print(f"written: {target}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=192, help="longest side, in pixels")
    parser.add_argument("--iterations", type=int, default=60)
    return parser.parse_args()


if __name__ == "__main__":
    main()
