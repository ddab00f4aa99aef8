"""Large bodies on disk, so that memory is bounded and a body can be read twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO

from api.intake.bodies import body_chunks, body_read_on_refusal
from shared.disk import translated_disk_errors
from shared.request_errors import BodyTooLarge

IN_MEMORY_BYTES = 1 << 20


@contextmanager
def spooled_body(max_bytes: int, setting: str) -> Iterator[tuple[IO[bytes], str]]:
    """Yield the request's whole body, at its start, and its SHA-256 digest; `setting` is the limit's name.

    Raises:
        BodyTooLarge: it is larger than `max_bytes`; the rest is not read.
        DiskFull: the disk has no room for it.
    """
    with SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
        digest = hashlib.sha256()
        with body_read_on_refusal():
            for chunk in body_chunks(max_bytes, setting):
                digest.update(chunk)
                _write(file, chunk)
        file.seek(0)
        yield file, digest.hexdigest()


@contextmanager
def spooled(chunks: Iterable[bytes], max_bytes: int, pointer: str) -> Iterator[IO[bytes]]:
    """Yield a file with all chunks.

    Raises:
        BodyTooLarge: it is larger than `max_bytes`; `pointer` leads to the member that named it.
        DiskFull: the disk has no room for it.
    """
    with SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
        for chunk in chunks:
            if file.tell() + len(chunk) > max_bytes:
                raise BodyTooLarge(f"The input has more than {max_bytes:,} bytes (max_batch_bytes)", pointer)
            _write(file, chunk)
        yield file


def _write(file: IO[bytes], chunk: bytes) -> None:
    with translated_disk_errors():
        file.write(chunk)
