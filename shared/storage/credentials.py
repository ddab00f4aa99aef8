"""The S3 credentials: those of the settings, or temporary ones that botocore finds and renews."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import CredentialRetrievalError, PartialCredentialsError

from shared.errors import SettingsError
from shared.settings import PREFIX, Settings

NO_CREDENTIALS = (
    f"There are no S3 credentials: set {PREFIX}S3_ACCESS_KEY and {PREFIX}S3_SECRET_KEY, or give the process "
    "some that botocore finds, like AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a role of the machine"
)
STILL_EXPIRED = "refreshed credentials are still expired"  # in a RuntimeError of botocore
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}


def s3_session(settings: Settings) -> boto3.session.Session:
    """Return the credentials, for clients and signatures.

    Without keys in the settings, botocore finds some in its own chain and renews them.

    Raises:
        SettingsError: that chain has one half of a pair of keys.
    """
    key, secret, token = (
        each and each.get_secret_value()
        for each in (settings.s3_access_key, settings.s3_secret_key, settings.s3_session_token)
    )
    # a session of its own: boto3's default one is not thread-safe
    session = boto3.session.Session(key, secret, token)
    try:
        session.get_credentials()
    except PartialCredentialsError as error:
        raise SettingsError(f"The S3 credentials of botocore's own chain are incomplete: {error}") from error
    return session


def seconds_left(credentials: Any) -> float:
    """Return for how long the credentials stay valid; infinity if botocore knows no end."""
    if credentials is None:
        return math.inf
    credentials.get_frozen_credentials()  # renews them first if they end soon
    end = getattr(credentials, "_expiry_time", None)  # botocore has no public name for it
    return (end - datetime.now(UTC)).total_seconds() if end else math.inf


def expired(code: str) -> str:
    """Return the sentence for credentials that S3 calls expired."""
    names = f"{PREFIX}S3_ACCESS_KEY, {PREFIX}S3_SECRET_KEY and {PREFIX}S3_SESSION_TOKEN"
    return (
        f"The S3 credentials have expired ({code}): set new ones in {names}, or none for botocore's own chain"
    )


def not_renewed(error: Exception) -> str | None:
    """Return the sentence for a source that gives no new temporary credentials; None for another error."""
    if isinstance(error, CredentialRetrievalError):
        return f"The S3 credentials cannot be renewed: '{error.kwargs.get('provider')}' gives no new ones"
    if STILL_EXPIRED in str(error):
        return "The S3 credentials cannot be renewed: those that botocore got have ended already"
    return None
