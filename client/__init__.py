"""The Python clients of the service: `StyleQueue`, `AsyncStyleQueue`, and the errors that they raise.

Names are loaded when they are first used, so `client.entry` can handle Ctrl-C while modules load.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from client.api.batches import AsyncBatches, Batches
    from client.api_client import StyleQueue
    from client.async_client import AsyncStyleQueue
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
    from client.http.retries import Retries

ELSEWHERE = {
    "AsyncBatches": "api.batches",
    "AsyncStyleQueue": "async_client",
    "Batches": "api.batches",
    "Retries": "http.retries",
    "StyleQueue": "api_client",
}

__all__ = [
    "AsyncBatches",
    "AsyncStyleQueue",
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


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{ELSEWHERE.get(name, 'errors')}"), name)
