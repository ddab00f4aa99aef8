"""The input: any number of different photographs, cut from the samples, the same at every run."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from samples import content_paths, style_paths

PHOTO_SIZE = (640, 480)
QUALITY = 92
SMALLEST_CROP = 0.6  # of the largest crop that the photograph has room for
STYLE = "windy-night"
SHARES_OF_PIXELS = 0.3, 1.7
ASPECTS = 0.6, 1.7


def make_photos(folder: Path, count: int, seed: int, size: tuple[int, int] = PHOTO_SIZE) -> list[Path]:
    """Write `count` JPEG files. Another seed gives other pictures, which no cache of contents knows."""
    return make_sized_photos(folder, [size] * count, seed)


def make_sized_photos(folder: Path, sizes: Sequence[tuple[int, int]], seed: int) -> list[Path]:
    """Write a JPEG file of each width and height."""
    folder.mkdir(parents=True)
    chance = random.Random(seed)
    photos = [Image.open(path).convert("RGB") for path in content_paths()]
    files = []
    for number, size in enumerate(sizes):
        file = folder / f"{number:04}.jpg"
        _crop(photos[number % len(photos)], size, chance).save(file, quality=QUALITY)
        files.append(file)
    return files


def mixed_sizes(count: int, seed: int) -> list[tuple[int, int]]:
    """Return different widths and heights, whose mean number of pixels is near that of PHOTO_SIZE."""
    chance = random.Random(seed)
    sizes = set[tuple[int, int]]()
    while len(sizes) < count:
        pixels = math.prod(PHOTO_SIZE) * chance.uniform(*SHARES_OF_PIXELS)
        aspect = chance.uniform(*ASPECTS)
        sizes.add((round(math.sqrt(pixels * aspect)), round(math.sqrt(pixels / aspect))))
    return sorted(sizes, key=lambda _: chance.random())


def style_file() -> Path:
    (file,) = [path for path in style_paths() if path.stem == STYLE]
    return file


def _crop(photo: Image.Image, size: tuple[int, int], chance: random.Random) -> Image.Image:
    """Return a random part of the photograph with the aspect of `size`, scaled to it."""
    share = chance.uniform(SMALLEST_CROP, 1) * min(photo.width / size[0], photo.height / size[1])
    width, height = size[0] * share, size[1] * share
    left, top = chance.uniform(0, photo.width - width), chance.uniform(0, photo.height - height)
    return photo.resize(size, Image.Resampling.LANCZOS, (left, top, left + width, top + height))
