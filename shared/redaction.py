"""Secrets, taken out of every line of the logs: the last defence, against texts of other libraries."""

from __future__ import annotations

import logging
import re

HIDDEN = "[hidden]"

_SECRETS = (
    re.compile(r"(?<=\bsq_)[0-9a-f]{12}_[\w-]+"),  # API keys
    re.compile(r"(?<=\bwhsec_)[\w+/=-]+"),  # what webhooks are signed with
    re.compile(r"(?i)(?<=bearer )[^\s'\",]+"),
    # Presigned URLs: of Amazon's versions 4 and 2, of Google and of Azure.
    re.compile(
        r"(?i)(?<=[?&;])(x-(?:amz|goog)-(?:signature|credential|security-token)|signature|awsaccesskeyid|sig"
        r"|sentinel_password)"
        r"=[^&\s'\"<>]+"
    ),
    re.compile(r"(?<=://)[^/\s@'\"]*:[^/\s@'\"]+(?=@)"),  # user:password@ in URLs
)


def redacted(text: str) -> str:
    for secret in _SECRETS:
        text = secret.sub(lambda found: f"{found[1]}={HIDDEN}" if found.re.groups else HIDDEN, text)
    return text


class RedactingFormatter(logging.Formatter):
    """Another formatter's lines, redacted; for loggers that are not ours."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return redacted(self._inner.format(record))
