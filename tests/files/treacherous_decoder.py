"""A decoder that files can bring down, in place of worker.images.decoder.

No file is known that crashes the real one. A file of a certain width does to the process here what a bug in a
library could do. All else is the service's own.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time

from worker.images import decoder
from worker.images.codec import Admit, Decoded
from worker.images.headers import ImageLimits

CRASHES, ABORTS, HANGS, EATS_MEMORY, IS_KILLED, LIES = 101, 102, 103, 104, 105, 106


def decode(kind: bytes, file: bytes, side: int, limits: ImageLimits, admit: Admit) -> Decoded:
    lies = False

    def admit_and_fall(size: tuple[int, int]) -> None:
        nonlocal lies
        admit(size)
        lies = size[0] == LIES
        FALLS.get(size[0], lambda: None)()

    decoded = decoder.decode(kind, file, side, limits, admit_and_fall)
    return Decoded(decoded.picture.repeat(100, 0)) if lies else decoded


def hang() -> None:
    """Hang in C, where no exception and no signal handler of Python comes."""
    ctypes.PyDLL(None).sleep(3600)


def eat_memory() -> None:
    eaten = []
    while True:
        eaten.append(bytearray(50_000_000))


FALLS = {
    CRASHES: lambda: ctypes.string_at(0),
    ABORTS: os.abort,
    HANGS: hang,
    EATS_MEMORY: eat_memory,
    IS_KILLED: lambda: (os.kill(os.getpid(), signal.SIGKILL), time.sleep(60)),
}

if __name__ == "__main__":
    decoder.main(decode)
