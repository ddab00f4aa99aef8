"""JPEG files in the lossless mode, which Pillow reads and does not write: ITU T.81, annex H."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

CATEGORIES = 9  # of differences between samples of 8 bits
CODE_BITS = 4  # of each category's code
FIRST_PREDICTION = 128


def lossless_jpeg(image: Image.Image) -> bytes:
    """Return the file of a picture in mode L or RGB, with the prediction from the left."""
    samples = np.asarray(image).reshape(image.height, image.width, -1).astype(int)
    ids = b"RGB"[: samples.shape[2]]
    frame = struct.pack(">BHHB", 8, image.height, image.width, len(ids))
    frame += b"".join(bytes((each, 0x11, 0)) for each in ids)
    lengths = bytes(CATEGORIES if bits == CODE_BITS else 0 for bits in range(1, 17))
    scan = bytes((len(ids),)) + b"".join(bytes((each, 0)) for each in ids) + bytes((1, 0, 0))
    segments = (b"\xc3", frame), (b"\xc4", b"\0" + lengths + bytes(range(CATEGORIES))), (b"\xda", scan)
    head = b"".join(b"\xff" + name + struct.pack(">H", len(body) + 2) + body for name, body in segments)
    return b"\xff\xd8" + head + _packed(_bits(samples)) + b"\xff\xd9"


def _bits(samples: np.ndarray) -> str:
    predicted = np.roll(samples, 1, axis=1)
    predicted[1:, 0] = samples[:-1, 0]
    predicted[0, 0] = FIRST_PREDICTION
    return "".join(map(_code, (samples - predicted).ravel()))


def _code(difference: int) -> str:
    size = int(abs(difference)).bit_length()
    value = difference if difference > 0 else difference + (1 << size) - 1
    return f"{size:0{CODE_BITS}b}" + (f"{value:0{size}b}" if size else "")


def _packed(bits: str) -> bytes:
    padded = bits + "1" * (-len(bits) % 8)
    data = int(padded, 2).to_bytes(len(padded) // 8)
    return data.replace(b"\xff", b"\xff\0")
