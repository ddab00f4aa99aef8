"""The baseline: the code that a notebook's user writes, without anything of this project.

    python -m bench.baselines.plain_loop MODEL STYLE OUT < folders

For each folder named on the input it paints every JPEG in it, saves it to OUT, and prints the pictures per
second. TensorFlow has its default threads. Loading and one picture before each timing are not counted.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub
from numpy.typing import NDArray
from PIL import Image

STYLE_SIZE = (256, 256)


def main(model_handle: str, style_file: str, out_folder: str) -> None:
    model = hub.load(model_handle)
    style = as_batch(Image.open(style_file).convert("RGB").resize(STYLE_SIZE))
    out = Path(out_folder)
    out.mkdir(parents=True, exist_ok=True)

    def paint(file: Path) -> None:
        content = as_batch(Image.open(file).convert("RGB"))
        painted = model(tf.constant(content), tf.constant(style))[0]
        pixels = np.clip(painted[0].numpy() * 255, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(out / file.name, quality=92)

    print("ready", flush=True)
    for line in sys.stdin:
        files = sorted(Path(line.strip()).glob("*.jpg"))
        paint(files[0])  # warm-up
        begin = time.perf_counter()
        for file in files:
            paint(file)
        print(len(files) / (time.perf_counter() - begin), flush=True)


def as_batch(picture: Image.Image) -> NDArray[np.float32]:
    return np.asarray(picture, np.float32)[np.newaxis] / np.float32(255)


if __name__ == "__main__":
    main(*sys.argv[1:])
