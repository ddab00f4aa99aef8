"""The Python client of the service: `StyleQueue` and the errors that it raises."""

from __future__ import annotations

from client.api_client import StyleQueue
from client.errors import (
    JobFailed,
    NotAPicture,
    RequestRefused,
    ResultCorrupt,
    ServiceUnavailable,
    StyleQueueClientError,
    UnexpectedAnswer,
    WaitTimeout,
)
from client.retries import Retries

__all__ = [
    "JobFailed",
    "NotAPicture",
    "RequestRefused",
    "ResultCorrupt",
    "Retries",
    "ServiceUnavailable",
    "StyleQueue",
    "StyleQueueClientError",
    "UnexpectedAnswer",
    "WaitTimeout",
]
