"""A file as the body of a request, for blocking clients and for those of asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import BinaryIO

import httpx

CHUNK_BYTES = 65_536


class FileBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Sends the file from its beginning, piece by piece."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(CHUNK_BYTES):
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk
