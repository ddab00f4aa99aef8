"""The removal of secrets from every log line, as a last defence against messages of libraries."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
SHOWN_CHARACTERS = 200

# Each pattern has a word that a match always needs, because searching for the word is faster. A line may be
# JSON: a backslash ends a secret, so that escapes stay intact. No pattern requires a word boundary before the
# secret, because JSON writes a newline there as \n, which ends in a letter.
_SECRETS = (
    ("sq_", re.compile(r"(?<=sq_)[0-9a-f]{12}_[\w-]+")),  # API keys
    ("whsec_", re.compile(r"(?<=whsec_)[\w+/=-]+")),  # secrets that sign webhooks
    ("bearer ", re.compile(r"(?i)(?<=bearer )[^\s'\",\\]+")),
    # Presigned URLs of Amazon S3 (signature versions 4 and 2), Google and Azure.
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
    """Return a URL for display: shortened, and without its query, which may grant access."""
    site, _, query = url.partition("?")
    return shortened(redacted(site)) + (f"?{HIDDEN}" if query else "")


def shortened(text: str, most: int = SHOWN_CHARACTERS) -> str:
    """Return a client's text for use in a message, cut to so many characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
