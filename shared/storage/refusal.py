"""S3's code and message for a request that it refused."""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple

LONGEST_BODY = 100_000  # errors have a few hundred bytes
SHOWN_CHARACTERS = 300
_ELEMENT = r"<{0}>([^<]*)</{0}>"


class S3Refusal(NamedTuple):
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


def refusal_of(body: bytes) -> S3Refusal | None:
    """Return the code and the message in the body of a response; None if it is not an S3 error."""
    text = body[:LONGEST_BODY].decode("utf-8", "replace")
    code = _text_of("Code", text) if "<Error" in text else ""
    return S3Refusal(code, _text_of("Message", text)) if code else None


def _text_of(name: str, xml: str) -> str:
    found = re.search(_ELEMENT.format(name), xml)
    return " ".join(unescape(found[1]).split())[:SHOWN_CHARACTERS] if found else ""
