"""The protocol between a worker and a decoder process, over two pipes.

The worker sends an ORDER and the file's bytes. If the header is in order, the decoder sends SIZE and waits
for one byte, GO. Then it sends WARNED and two texts for each warning, and PICTURE and height x width x 3
bytes. Instead of any of these it may send REFUSED and two texts.

Nothing is pickled: a decoder under the control of a hostile file can send wrong pixels, and no more.
"""

from __future__ import annotations

import fcntl
import os
import struct
from contextlib import suppress

ORDER = struct.Struct("!cIQ")  # CONTENT or STYLE, side in pixels, bytes of the file
CONTENT, STYLE = b"C", b"S"  # for codec.decode_content and codec.decode_style
GO = b"G"

ANSWER = struct.Struct("!cII")  # one of the kinds below, and two numbers
READY = b"R"  # 0, 0; once, when the decoder has started
SIZE = b"S"  # width, height as the file stores the picture
PICTURE = b"P"  # width, height of the pixels that follow
WARNED = b"W"  # bytes of the warning's code and of its sentence, which follow
REFUSED = b"E"  # bytes of the error's code and of its sentence, which follow

PIPE_BYTES = 1 << 20  # instead of 64 kB, so that the processes alternate less often


def widen(pipe: int) -> None:
    """Enlarge a pipe's buffer if the system allows it."""
    with suppress(AttributeError, OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def send(pipe: int, *parts: bytes | memoryview) -> None:
    """Send all parts.

    Raises:
        BrokenPipeError: the other side is gone.
    """
    for part in parts:
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(pipe, rest) :]


def receive(pipe: int, size: int) -> bytearray:
    """Receive exactly `size` bytes; raise EOFError if the other side is gone."""
    buffer = bytearray(size)
    receive_into(pipe, memoryview(buffer))
    return buffer


def receive_into(pipe: int, buffer: memoryview) -> None:
    while buffer:
        count = os.readv(pipe, [buffer])
        if not count:
            raise EOFError
        buffer = buffer[count:]
