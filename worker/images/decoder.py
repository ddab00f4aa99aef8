"""`python -m worker.images.decoder LIMITS SECONDS`: decodes files for the worker that started it.

Hostile files reach Pillow and the libraries below it only here. The process has no key, no connection and no
model. The kernel ends it when a file takes too long, and refuses it memory beyond what the picture needs.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from shared.errors import OutOfMemory, PermanentError
from worker.channel import receive, receive_with_files, send
from worker.images.belongings import Belongings, Keep
from worker.images.codec import Admit, Decoded, decode_content, painted_in
from worker.images.decoder_wire import (
    ALPHA,
    ANSWER,
    GO,
    METADATA,
    ORDER,
    PAINTED,
    PICTURE,
    PROFILE,
    READY,
    REFUSED,
    SIZE,
    SOURCE,
    WARNED,
)
from worker.images.headers import ImageLimits
from worker.images.slabs import read_picture, write_picture

# While a picture is decoded and keeps its size: 16 were measured for WebP, 15 for HEIC, 11 to 14 for others.
DECODE_BYTES_PER_PIXEL = 17
SPARE_BYTES = 200_000_000  # for all memory that does not grow with the picture
FIRST_VICTIM = "1000"  # if memory runs out, the kernel ends this process and not the one with the model

Decode = Callable[[bytes, int, ImageLimits, Admit, Keep], Decoded]


def main(decode: Decode = decode_content) -> None:
    limits, seconds = ImageLimits(**json.loads(sys.argv[1])), float(sys.argv[2])
    channel = socket.socket(fileno=os.dup(0))
    confine(limits)
    send(channel.fileno(), ANSWER.pack(READY, 0, 0))
    with suppress(EOFError, ConnectionError):  # the worker is gone
        while True:
            serve(channel, limits, seconds, decode)


def confine(limits: ImageLimits) -> None:
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, signal.SIG_IGN)  # a stop signals all processes; the worker still needs this one
    with suppress(OSError):  # not Linux
        Path("/proc/self/oom_score_adj").write_text(FIRST_VICTIM)
        most = _address_space() + limits.max_pixels * DECODE_BYTES_PER_PIXEL + SPARE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def allow_memory(pixels: int) -> None:
    """Let the process use the memory of so many pixels beside what it has now, within its hard limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    with suppress(OSError):  # not Linux
        most = _address_space() + pixels * DECODE_BYTES_PER_PIXEL + SPARE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (min(most, hard), hard))


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def serve(channel: socket.socket, limits: ImageLimits, seconds: float, decode: Decode) -> None:
    """Serve one order. SIGALRM has no handler: the kernel then ends the process in any code that hangs."""
    order, (slab,) = receive_with_files(channel, ORDER.size, 1)
    kind, one, other, length = ORDER.unpack(order)
    worker = channel.fileno()
    file = bytes(receive(worker, length))

    def admit(size: tuple[int, int]) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        send(worker, ANSWER.pack(SIZE, *size))
        receive(worker, len(GO))  # the worker sends it when it has the memory
        allow_memory(size[0] * size[1])
        signal.setitimer(signal.ITIMER_REAL, seconds)

    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        if kind == PAINTED:
            admit((one, other))
            decoded = Decoded(painted_in(file, read_picture(slab, other, one)))
        else:
            decoded = decode(file, one, limits, admit, Keep(other))
    except (PermanentError, OutOfMemory) as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _send_texts(worker, REFUSED, error.code, error.detail)
    else:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for warning in decoded.warnings:
            _send_texts(worker, WARNED, warning.code, warning.detail)
        _send_belongings(worker, decoded.belongings)
        height, width, _ = decoded.picture.shape
        write_picture(slab, decoded.picture)
        source = ANSWER.pack(SOURCE, *decoded.source_size) if decoded.source_size else b""
        send(worker, source + ANSWER.pack(PICTURE, width, height))  # together: each send wakes the worker
    finally:
        os.close(slab)


def _send_texts(worker: int, what: bytes, code: str, detail: str) -> None:
    texts = code.encode(), detail.encode()
    send(worker, ANSWER.pack(what, *map(len, texts)), *texts)


def _send_belongings(worker: int, belongings: Belongings) -> None:
    if belongings.metadata is not None:
        metadata = belongings.metadata.model_dump_json(exclude_defaults=True).encode()
        send(worker, ANSWER.pack(METADATA, len(metadata), 0), metadata)
    if belongings.profile is not None:
        send(worker, ANSWER.pack(PROFILE, len(belongings.profile), 0), belongings.profile)
    if belongings.alpha is not None:
        height, width = belongings.alpha.shape
        send(worker, ANSWER.pack(ALPHA, width, height), belongings.alpha.data)


if __name__ == "__main__":
    main()
