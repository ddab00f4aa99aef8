"""Call the model as a notebook does, in a process of its own, and do nothing else.

    python -m bench.baselines.bare_call MODEL STYLE < files

For each picture named on the input it prints the milliseconds of the call, from array to array.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub
from PIL import Image

from bench.baselines.plain_loop import STYLE_SIZE, as_batch

WARM_UP_CALLS = 3


def main(model_handle: str, style_file: str) -> None:
    model = hub.load(model_handle)
    style = as_batch(Image.open(style_file).convert("RGB").resize(STYLE_SIZE))
    for _ in range(WARM_UP_CALLS):
        model(tf.constant(style), tf.constant(style))
    print("ready", flush=True)
    for line in sys.stdin:
        content = as_batch(Image.open(line.strip()).convert("RGB"))
        begin = time.perf_counter()
        painted = model(tf.constant(content), tf.constant(style))[0].numpy()
        milliseconds = 1000 * (time.perf_counter() - begin)
        assert np.isfinite(painted).all()
        print(milliseconds, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
