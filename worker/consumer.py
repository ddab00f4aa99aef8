"""Celery's consumer, which goes on when its connection to the broker breaks at a bad moment."""

from __future__ import annotations

from celery.worker import consumer
from kombu.common import ignore_errors


class Consumer(consumer.Consumer):
    """Closes the channel of a broken connection once more than Celery does.

    A channel that waits for a message meets the broken connection when it is closed, and is not closed then
    (kombu 5.7). Celery lets the transport go and closes it again, too late to find the broker, to which it
    returns messages in hand. The AttributeError of that ended the worker.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """The first of the attempts takes the wait away, the second, Celery's own, finds the transport."""
        if self.connection and self.task_consumer:
            ignore_errors(self.connection, self.task_consumer.channel.close)
        super().on_connection_error_after_connected(exc)
