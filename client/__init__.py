"""The Python client of the service: `StyleQueue` and the errors that it raises."""

from __future__ import annotations

from client.api_client import StyleQueue
from client.batches import Batches
from client.errors import (
    BatchFailed,
    BatchWaitTimeout,
    JobFailed,
    NotAPicture,
    RequestRefused,
    ResultCorrupt,
    ServiceBusy,
    ServiceUnavailable,
    StyleQueueClientError,
    UnexpectedAnswer,
    WaitTimeout,
)
from client.retries import Retries

__all__ = [
    "BatchFailed",
    "BatchWaitTimeout",
    "Batches",
    "JobFailed",
    "NotAPicture",
    "RequestRefused",
    "ResultCorrupt",
    "Retries",
    "ServiceBusy",
    "ServiceUnavailable",
    "StyleQueue",
    "StyleQueueClientError",
    "UnexpectedAnswer",
    "WaitTimeout",
]
