"""Detection of when a request has arrived, from its bytes so far.

The result decides when a thread gets the request, and never how the request is read: Gunicorn parses the same
bytes again, strictly. A malformed head therefore counts as ready, so that Gunicorn can refuse it.
"""

from __future__ import annotations

import re
from enum import Enum, auto

MOST_HEAD_BYTES = 65_536
MOST_SMALL_BODY_BYTES = 65_536

MOST_DIGITS = 18  # of a length; more are cut off

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)
_BODY_COMES_LATER = re.compile(rb"\r\n(transfer-encoding|expect):", re.IGNORECASE)
_CREDENTIALS = re.compile(rb"\r\nauthorization:[ \t]*([^\r]*)", re.IGNORECASE)
_END_OF_HEAD = b"\r\n\r\n"


class Stage(Enum):
    """The stage of a request, by what it still needs."""

    PARTIAL = auto()  # more bytes, as a thread would have to wait for the client
    READY = auto()  # nothing
    BODY_FOLLOWS = auto()  # a thread that reads the body, which is large or of unknown length
    HEAD_TOO_LARGE = auto()  # a refusal


class Arrival:
    """The bytes of one request so far, and of pipelined requests behind it."""

    def __init__(self) -> None:
        self.received = bytearray()
        self._needed: int | None = None  # bytes of head and body, known once the head is complete
        self._body_follows = False
        self.key: int | None = None  # hash of the key that the head has, once it is complete

    def add(self, piece: bytes) -> Stage:
        """Add the next bytes; return the stage that the request has reached."""
        searched = max(len(self.received) - len(_END_OF_HEAD), 0)
        self.received += piece
        if self._needed is None and not self._read_head(searched):
            too_large = len(self.received) > MOST_HEAD_BYTES
            return Stage.HEAD_TOO_LARGE if too_large else Stage.PARTIAL
        if self._body_follows:
            return Stage.BODY_FOLLOWS
        return Stage.READY if len(self.received) >= (self._needed or 0) else Stage.PARTIAL

    def _read_head(self, searched: int) -> bool:
        """Note how long the request is; return whether its head is complete."""
        end = self.received.find(_END_OF_HEAD, searched)
        if end < 0 or end > MOST_HEAD_BYTES:
            return False
        head = self.received[: end + len(_END_OF_HEAD)]
        sent = _CREDENTIALS.search(head)
        self.key = key_in(sent[1].decode("latin-1")) if sent else None
        length = _LENGTH.search(head)
        body_bytes = int(length[1].lstrip(b"0")[:MOST_DIGITS] or 0) if length else 0
        self._needed = len(head) + body_bytes
        self._body_follows = body_bytes > MOST_SMALL_BODY_BYTES or bool(_BODY_COMES_LATER.search(head))
        return True


def key_in(credentials: str) -> int | None:
    """Return the hash of the key in an Authorization field, however it is spaced; None if it has none."""
    words = credentials.split()
    return hash(words[-1]) if words else None
