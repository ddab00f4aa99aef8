"""Secrets, taken out of every line of the logs: the last defence, against texts of other libraries."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
SHOWN_CHARACTERS = 200

# Each behind a word without which it cannot be there, because looking for that is quicker. As the line may be
# JSON, a backslash ends a secret, so that what it escapes stays escaped, and none must begin a word: there, a
# new line before it ends in a letter.
_SECRETS = (
    ("sq_", re.compile(r"(?<=sq_)[0-9a-f]{12}_[\w-]+")),  # API keys
    ("whsec_", re.compile(r"(?<=whsec_)[\w+/=-]+")),  # what webhooks are signed with
    ("bearer ", re.compile(r"(?i)(?<=bearer )[^\s'\",\\]+")),
    # Presigned URLs: of Amazon's versions 4 and 2, of Google and of Azure.
    *(
        (word, re.compile(rf"(?i)(?<=[?&;])({word})=[^&\s'\"<>\\]+"))
        for word in (
            *("x-amz-signature", "x-amz-credential", "x-amz-security-token"),
            *("x-goog-signature", "x-goog-credential", "x-goog-security-token"),
            *("signature", "awsaccesskeyid", "sig", "sentinel_password", "ssl_password"),
        )
    ),
    ("://", re.compile(r"(?<=://)[^/\s@'\"]*:[^/\s@'\"]+(?=@)")),  # user:password@ in URLs
)


def redacted(text: str) -> str:
    lowered = text.lower()
    for word, secret in _SECRETS:
        if word in lowered:
            text = secret.sub(lambda found: f"{found[1]}={HIDDEN}" if found.re.groups else HIDDEN, text)
    return text


def shown_url(url: str) -> str:
    """Return a URL for a person: cut, and without its query, which may be a permission."""
    place, _, query = url.partition("?")
    return shortened(redacted(place)) + (f"?{HIDDEN}" if query else "")


def shortened(text: str) -> str:
    """Return what a client wrote for a sentence about it, cut to SHOWN_CHARACTERS."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."
