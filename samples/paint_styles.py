"""Paints the style pictures: `python -m samples.paint_styles FOLDER`. Each run paints the same ones."""

from __future__ import annotations

import colorsys
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from samples.brush import (
    CANVAS,
    SIDE,
    Color,
    Field,
    Pixels,
    Point,
    X,
    Y,
    along,
    as_color,
    blend,
    smooth_noise,
)

JPEG_QUALITY = 84


# --- a windy night in short, thick strokes --------------------------------------------------------

STARS = [(0.22, 0.2, 0.15), (0.72, 0.16, 0.11), (0.5, 0.52, 0.2), (0.86, 0.6, 0.12), (0.14, 0.72, 0.13)]
NIGHT: list[Color] = [(10, 18, 66), (18, 50, 130), (38, 98, 182), (98, 166, 214), (188, 220, 220)]
GLOW: list[Color] = [(255, 250, 214), (255, 216, 84), (247, 170, 30), (120, 168, 140)]


def windy_night(rng: np.random.Generator) -> Image.Image:
    picture = blend(smooth_noise(rng, 7), NIGHT)
    flow_x, flow_y = np.ones_like(X), 0.9 * np.sin(X / CANVAS * 9 + 3 * smooth_noise(rng, 4))
    for x, y, radius in STARS:
        dx, dy = X - x * CANVAS, Y - y * CANVAS
        distance = np.hypot(dx, dy) / (radius * CANVAS)
        pull = 6 * np.exp(-(distance**2) / 2.4)[..., None]
        flow_x, flow_y = flow_x - pull[..., 0] * dy / 60, flow_y + pull[..., 0] * dx / 60
        light = np.clip(1.25 - distance, 0, 1)[..., None]
        picture = picture * (1 - light) + blend(np.clip(distance, 0, 1), GLOW) * light
    return brushed(rng, picture, np.arctan2(flow_y, flow_x))


def brushed(rng: np.random.Generator, picture: Pixels, angle: Field) -> Image.Image:
    """Paint the picture in strokes that follow the angles: large ones first, small ones on top."""
    canvas = Image.fromarray(picture.astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    for width, count, steps in ((22, 2600, 7), (13, 5200, 7), (8, 5200, 6)):
        for start in rng.uniform(0, CANVAS, (count, 2)):
            color = picture[int(start[1]), int(start[0])] + rng.normal(0, 26) + rng.normal(0, 9, 3)
            draw_stroke(draw, along(angle, start, steps, width), color, width)
    return canvas


def draw_stroke(draw: ImageDraw.ImageDraw, path: list[Point], color: NDArray[np.float64], width: int) -> None:
    for offset, light, share in ((0.3, -34, 0.7), (-0.12, 0, 0.75), (-0.3, 30, 0.25)):
        shifted = [tuple(point + offset * width) for point in path]
        draw.line(shifted, as_color(color + light), round(width * share), joint="curve")


# --- a stained glass window -----------------------------------------------------------------------

GLASS_HUES = [0.94, 0.0, 0.05, 0.12, 0.15, 0.5, 0.56, 0.62, 0.66]
STRAY_PANES = 0.15
PANES_ALONG_A_SIDE = 9
LEAD_WIDTH = 9


def stained_glass(rng: np.random.Generator) -> Image.Image:
    grid = np.mgrid[0:PANES_ALONG_A_SIDE, 0:PANES_ALONG_A_SIDE].reshape(2, -1).T + 0.5
    centers = (grid + rng.uniform(-0.42, 0.42, grid.shape)) * CANVAS / PANES_ALONG_A_SIDE
    nearest, second = np.full_like(X, np.inf), np.full_like(X, np.inf)
    pane = np.zeros_like(X, dtype=int)
    for index, (x, y) in enumerate(centers):
        distance = np.hypot(X - x, Y - y)
        second = np.minimum(second, np.maximum(distance, nearest))
        pane = np.where(distance < nearest, index, pane)
        nearest = np.minimum(nearest, distance)
    hues = smooth_noise(rng, 5)
    colors = np.array([glass_color(rng, hues[y, x]) for x, y in np.clip(centers, 0, CANVAS - 1).astype(int)])
    to_lead = second - nearest
    light = 0.72 + 0.45 * np.clip(to_lead / 60, 0, 1) + 0.3 * (smooth_noise(rng, 60) - 0.5)
    glass = colors[pane] * light[..., None]
    lead = np.clip((to_lead - LEAD_WIDTH) / 3, 0, 1)[..., None]
    return Image.fromarray(np.clip(glass * lead + 16 * (1 - lead), 0, 255).astype(np.uint8))


def glass_color(rng: np.random.Generator, region: float) -> tuple[float, float, float]:
    place = rng.random() if rng.random() < STRAY_PANES else region
    hue = GLASS_HUES[min(int(place * len(GLASS_HUES)), len(GLASS_HUES) - 1)] + rng.normal(0, 0.012)
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, rng.uniform(0.72, 0.98), rng.uniform(0.7, 1))
    return 255 * red, 255 * green, 255 * blue


# --- ink on warm paper ----------------------------------------------------------------------------

PAPER: list[Color] = [(226, 202, 160), (246, 230, 196)]
INK = np.array([38.0, 26.0, 40.0])
HATCHES = ((0.0, 0.78), (1.0, 0.48), (1.57, 0.27))  # angle in radians, tone above which the paper stays blank
HATCH_SPACING = 15
WASH = 0.4  # how much diluted ink darkens the shadows under the lines


def ink_hatching(rng: np.random.Generator) -> Image.Image:
    """Draw lines along the contours of a hilly landscape of tones, crossed by others where it is dark."""
    tone = 0.8 * smooth_noise(rng, 6) + 0.2 * smooth_noise(rng, 18)
    shadow = WASH * np.clip((0.65 - tone) / 0.5, 0, 1)
    paper = blend(smooth_noise(rng, 90), PAPER) * (1 - shadow[..., None])
    canvas = Image.fromarray(paper.astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    slope_y, slope_x = np.gradient(tone)
    contour = np.arctan2(slope_x, -slope_y)
    for angle, limit in HATCHES:
        for start in rng.uniform(0, CANVAS, ((CANVAS // HATCH_SPACING) ** 2, 2)):
            depth = limit - tone[int(start[1]), int(start[0])]
            if depth > 0:
                path = [tuple(point) for point in along(contour + angle, start, 5, 9)]
                draw.line(path, as_color(INK + rng.normal(0, 10)), round(2 + 8 * depth), joint="curve")
    return canvas


# --- facets in warm colors ------------------------------------------------------------------------

EARTH: list[Color] = [
    (70, 28, 30), (160, 42, 28), (222, 92, 32), (236, 160, 56), (250, 226, 170), (214, 132, 96), (34, 92, 96),
]  # fmt: skip
SMALLEST_FACET = 0.004  # of the canvas
LARGEST_FACET = 0.03
LARGE_ONES = 0.3  # share of the facets in between that are not split


def facets(rng: np.random.Generator) -> Image.Image:
    low, high = -4.0, CANVAS + 4.0
    corners = np.array([[low, low], [high, low], [high, high], [low, high]])
    whole = [corners[[0, 1, 2]], corners[[0, 2, 3]]]
    pixels = np.zeros((CANVAS, CANVAS, 3))
    weave = 14 * (smooth_noise(rng, 150) - 0.5)[..., None]
    for triangle in (piece for half in whole for piece in split(rng, half)):
        paint_facet(rng, pixels, triangle)
    return Image.fromarray(np.clip(pixels + weave, 0, 255).astype(np.uint8))


def split(rng: np.random.Generator, triangle: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Cut through the longest edge until the pieces are small; some stay larger than others."""
    (ax, ay), (bx, by) = triangle[1] - triangle[0], triangle[2] - triangle[0]
    area = abs(ax * by - ay * bx) / 2 / CANVAS**2
    if area < SMALLEST_FACET or (area < LARGEST_FACET and rng.random() < LARGE_ONES):
        return [triangle]
    edges = np.linalg.norm(np.roll(triangle, -1, axis=0) - triangle, axis=1)
    one, two, apex = np.roll(triangle, -int(edges.argmax()), axis=0)
    cut = one + (two - one) * rng.uniform(0.32, 0.68)
    return split(rng, np.array([one, cut, apex])) + split(rng, np.array([cut, two, apex]))


def paint_facet(rng: np.random.Generator, pixels: Pixels, triangle: NDArray[np.float64]) -> None:
    mask = Image.new("L", (CANVAS, CANVAS))
    ImageDraw.Draw(mask).polygon([tuple(point) for point in triangle], fill=255)
    inside = np.asarray(mask) > 0
    angle = rng.uniform(0, 2 * np.pi)
    ramp = X[inside] * np.cos(angle) + Y[inside] * np.sin(angle)
    ramp = (ramp - ramp.min()) / max(np.ptp(ramp), 1)
    color = np.array(EARTH[rng.integers(len(EARTH))]) + rng.normal(0, 10, 3)
    pixels[inside] = color * (0.62 + 0.62 * ramp[:, None])
    outline = Image.new("L", (CANVAS, CANVAS))
    ImageDraw.Draw(outline).line([tuple(point) for point in (*triangle, triangle[0])], 255, 5)
    pixels[np.asarray(outline) > 0] *= 0.35


PAINTERS: dict[str, Callable[[np.random.Generator], Image.Image]] = {
    "windy-night": windy_night,
    "stained-glass": stained_glass,
    "ink-hatching": ink_hatching,
    "facets": facets,
}


def paint_all(folder: Path) -> None:
    for seed, (name, paint) in enumerate(PAINTERS.items()):
        picture = paint(np.random.default_rng(seed))
        picture = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        picture.save(folder / f"{name}.jpg", quality=JPEG_QUALITY, optimize=True)


if __name__ == "__main__":
    paint_all(Path(sys.argv[1]))
