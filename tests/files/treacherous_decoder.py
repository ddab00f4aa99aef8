"""A decoder that files can bring down, in place of worker.images.decoder.

No file is known that crashes the real one. A file of a certain width does to the process here what a bug in a
library could do. All else is the service's own.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from dataclasses import replace

import numpy as np

from worker.images import decoder
from worker.images.belongings import Belongings, Keep
from worker.images.codec import Admit, Decoded, decode_content
from worker.images.colors import MAX_KEPT_PROFILE_BYTES
from worker.images.decoder_answers import MAX_METADATA_BYTES
from worker.images.headers import ImageLimits
from worker.images.metadata.fields import Metadata

CRASHES, ABORTS, HANGS, EATS_MEMORY, IS_KILLED, LIES = 101, 102, 103, 104, 105, 106
SENDS = {  # what nobody wants, or what is not allowed
    111: Belongings(metadata=Metadata.model_construct(title="\x1b[2J")),
    112: Belongings(metadata=Metadata.model_construct(exif={"MakerNote": "x"})),
    113: Belongings(metadata=Metadata.model_construct(title="x" * MAX_METADATA_BYTES)),
    114: Belongings(profile=bytes(MAX_KEPT_PROFILE_BYTES + 1)),
    115: Belongings(alpha=np.zeros((64, 64), np.uint8)),
    116: Belongings(alpha=np.broadcast_to(np.uint8(0), (100_000, 100_000))),
}


def decode(file: bytes, side: int, limits: ImageLimits, admit: Admit, keep: Keep) -> Decoded:
    lies, belongings = False, None

    def admit_and_fall(size: tuple[int, int]) -> None:
        nonlocal lies, belongings
        admit(size)
        lies, belongings = size[0] == LIES, SENDS.get(size[0])
        FALLS.get(size[0], lambda: None)()

    decoded = decode_content(file, side, limits, admit_and_fall, keep)
    if belongings is not None:
        return replace(decoded, belongings=belongings)
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
