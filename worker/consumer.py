"""Celery's consumer, except that a broken connection to the broker neither ends nor alarms the worker."""

from __future__ import annotations

import re
import warnings
from typing import Any

from celery.exceptions import CPendingDeprecationWarning
from celery.worker import consumer
from celery.worker.consumer.consumer import CANCEL_TASKS_BY_DEFAULT
from kombu.common import ignore_errors


class Consumer(consumer.Consumer):
    """Closes the channel of a broken connection once more than Celery does."""

    def __init__(self, *args: Any, **options: Any) -> None:
        hide_cancel_warning()
        super().__init__(*args, **options)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Close the channel, then let Celery close the rest.

        kombu reads the answer to a pending BRPOP before it closes a channel (celery/kombu#1733). On a broken
        connection that read fails, and the channel stays open. Celery drops the transport, closes the channel
        again, and kombu then raises AttributeError, because it returns messages in hand to a transport that
        is gone. That error ended the worker (kombu 5.7). This first attempt takes the read away.
        """
        if self.connection and self.task_consumer:
            ignore_errors(self.connection, self.task_consumer.channel.close)
        super().on_connection_error_after_connected(exc)


def hide_cancel_warning() -> None:
    """Hide the warning that running jobs are not canceled when the broker is lost.

    Celery 5.7 gives it at each loss, even to an app that sets
    `worker_cancel_long_running_tasks_on_connection_loss` to False, as ours does. Call it after Celery has set
    up its log, which shows all such warnings.
    """
    warnings.filterwarnings("ignore", re.escape(CANCEL_TASKS_BY_DEFAULT), CPendingDeprecationWarning)
