"""Do all that a notebook does before its first picture, in a fresh process, and print a line at the end."""

from __future__ import annotations

import sys

import tensorflow as tf
import tensorflow_hub as hub
from PIL import Image

from bench.baselines.plain_loop import STYLE_SIZE, as_batch


def main(model_handle: str, style_file: str) -> None:
    model = hub.load(model_handle)
    picture = as_batch(Image.open(style_file).convert("RGB").resize(STYLE_SIZE))
    model(tf.constant(picture), tf.constant(picture))[0].numpy()
    print("ready", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
