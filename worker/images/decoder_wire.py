"""What a worker and its decoder processes say to each other, over two pipes.

The worker sends an ORDER and the file's bytes. The decoder answers SIZE when the header is in order, and
waits for one byte, GO; then WARNED and two texts for each warning, and PICTURE and height x width x 3 bytes.
Or, at any time, REFUSED and two texts.

Nothing is pickled: a decoder that a hostile file has taken over can answer wrong pixels, and no more.
"""

from __future__ import annotations

import fcntl
import os
import struct
from contextlib import suppress

ORDER = struct.Struct("!cIQ")  # CONTENT or STYLE, side in pixels, bytes of the file
CONTENT, STYLE = b"C", b"S"  # as images.decode_content and images.decode_style
GO = b"G"

ANSWER = struct.Struct("!cII")  # what it is, and two numbers
READY = b"R"  # 0, 0; once, when the decoder has started
SIZE = b"S"  # width, height as the file stores the picture
PICTURE = b"P"  # width, height of the pixels that follow
WARNED = b"W"  # bytes of the warning's code and of its sentence, which follow
REFUSED = b"E"  # bytes of the error's code and of its sentence, which follow

PIPE_BYTES = 1 << 20  # instead of 64 kB: fewer turns between the two processes


def widen(pipe: int) -> None:
    """Lets a pipe hold more, where the system can and does."""
    with suppress(AttributeError, OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def send(pipe: int, *parts: bytes | memoryview) -> None:
    """
    Raises:
        BrokenPipeError: the other side is gone.
    """
    for part in parts:
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(pipe, rest) :]


def receive(pipe: int, size: int) -> bytearray:
    """Exactly so many bytes; raises EOFError if the other side is gone."""
    buffer = bytearray(size)
    receive_into(pipe, memoryview(buffer))
    return buffer


def receive_into(pipe: int, buffer: memoryview) -> None:
    """Fills the buffer; raises EOFError if the other side is gone."""
    while buffer:
        count = os.readv(pipe, [buffer])
        if not count:
            raise EOFError
        buffer = buffer[count:]
