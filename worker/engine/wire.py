"""The messages between a hand and its engine, over one Unix socket for each thread of the hand.

The engine greets each connection with FACTS. Then the hand sends requests, one at a time. PAINT carries the
descriptors of two slabs, through which the pictures go; other requests carry their pictures themselves. The
engine sends BEGUN when it begins with PAINT, STYLE or LOSSES, in the end SPENT, and then DONE or FAILED.
After each band of a large picture it sends STEP; a hand that closes its connection ends that.

Nothing is pickled: an array travels as its kind, its sides and its bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from worker.images.arrays import Picture, StyleParameters

REQUEST = struct.Struct("!c?HHI")  # a kind below, whether it must run alone, height, width, bytes that follow
PAINT = b"P"  # the style's parameters follow; with the slabs of the content and of the result
STYLE = b"S"  # the style picture follows
LOSSES = b"L"  # JSON follows, and the pictures (losses.py)
STATE = b"Q"  # nothing follows
FILES = 2  # descriptors of PAINT

ANSWER = struct.Struct("!cI")  # a kind below, bytes that follow
FACTS = b"H"  # JSON of `EngineFacts`
BEGUN = b"B"  # if the engine dies now, it may have died of this request
STEP = b"T"  # the fraction that is done, FRACTION
SPENT = b"U"  # the seconds on the device that the request took, SECONDS
DONE = b"D"  # what follows depends on the request
FAILED = b"E"  # an error's code, a line break and its sentence

DTYPES: dict[bytes, type[np.generic]] = {b"u": np.uint8, b"f": np.float32}
FRACTION = struct.Struct("!f")
SECONDS = struct.Struct("!d")
_ARRAY = struct.Struct("!cB")  # a key of DTYPES, number of sides


@dataclass(frozen=True)
class EngineFacts:
    """The facts about an engine's model that do not change while it runs (`ModelCalls`)."""

    handle: str
    digest: str | None
    device: str
    can_blend: bool
    memory_bytes: int
    max_pixels: int

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def pack_arrays(arrays: Sequence[StyleParameters | Picture]) -> bytes:
    return b"".join(map(_packed, arrays))


def unpack_arrays(data: bytes) -> list[Any]:
    """Return the arrays of `pack_arrays`; they cannot be written to.

    Raises:
        ValueError, KeyError, struct.error: it is something else.
    """
    arrays, offset = [], 0
    while offset < len(data):
        kind, sides = _ARRAY.unpack_from(data, offset)
        offset += _ARRAY.size
        shape = struct.unpack_from(f"!{sides}I", data, offset)
        offset += sides * 4
        array = np.frombuffer(data, DTYPES[kind], int(np.prod(shape)), offset).reshape(shape)
        arrays.append(array)
        offset += array.nbytes
    return arrays


def _packed(array: StyleParameters | Picture) -> bytes:
    kind = b"u" if array.dtype == np.uint8 else b"f"
    exact = np.ascontiguousarray(array, DTYPES[kind])
    return _ARRAY.pack(kind, exact.ndim) + struct.pack(f"!{exact.ndim}I", *exact.shape) + exact.tobytes()
