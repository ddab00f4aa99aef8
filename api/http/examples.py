"""Examples of requests for the page /docs. Each has its pictures in it, so it runs as it stands."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

SIDE = 64  # pixels of the sample pictures

Color = tuple[int, int, int]


def add_examples(paths: dict[str, Any]) -> None:
    """Add an example to each body whose request needs more than its defaults."""
    picture, style = _png(_hill), _png(_waves)
    job = {"content": {"data": _data_uri(picture)}, "style": {"data": _data_uri(style)}}
    batch = {"jobs": [{**job, "custom_id": f"sample-{strength}", "params": {"strength": strength}}
                      for strength in (0.5, 1.0)]}  # fmt: skip
    lines = "".join(json.dumps(line) + "\n" for line in batch["jobs"])
    upload = {
        "sha256": hashlib.sha256(picture).hexdigest(),
        "bytes": len(picture),
        "content_type": "image/png",
    }
    for path, media_type, example in (
        ("/v1/jobs", "application/json", job),
        ("/v1/batches", "application/json", batch),
        ("/v1/batches", "application/x-ndjson", lines),
        ("/v1/uploads", "application/json", upload),
    ):
        paths[path]["post"]["requestBody"]["content"][media_type]["example"] = example


def _data_uri(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def _hill(x: int, y: int) -> Color:
    """Return a pixel of the sample photograph: a green hill below a blue sky."""
    ridge = SIDE * 3 // 4 - x * (SIDE - x) // SIDE
    return (70, 140 - y, 50) if y > ridge else (120 + y, 170 + y, 235)


def _waves(x: int, y: int) -> Color:
    """Return a pixel of the sample style: bands of three colors."""
    return ((30, 60, 140), (240, 190, 60), (200, 70, 50))[(x + (y * y) // 16) // 6 % 3]


def _png(pixel: Callable[[int, int], Color]) -> bytes:
    """Return a PNG file of SIDE x SIDE pixels (W3C PNG 3, section 5), without a library for pictures."""
    rows = (b"\0" + bytes(part for x in range(SIDE) for part in pixel(x, y)) for y in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
