"""The service for programs that block: submit pictures, wait for jobs, save the results.

    with StyleQueue("http://127.0.0.1:8080") as queue:
        job = queue.wait(queue.submit(Path("harbor.jpg"), Path("starry-night.jpg")))
        print(queue.save(job, "."))

Threads may share an object. `AsyncStyleQueue` has the same methods, and describes them.
"""

from __future__ import annotations

from typing import Self

from client.api.audit import Audit
from client.api.batches import Batches
from client.api.bulk_actions import BulkActions
from client.api.dead_letters import DeadLetters
from client.api.keys import Keys
from client.api.operations import Operations
from client.api.webhooks import Webhooks
from client.async_client import AsyncStyleQueue
from client.blocking import Facade, blocking, blocking_iterator
from client.http.drivers import Blocking
from client.http.retries import DEFAULT_RETRIES, Retries


class StyleQueue(Facade):
    """A client of the service at `base_url`; use it in a `with` statement, or close() it."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 30,
        retries: Retries = DEFAULT_RETRIES,
    ) -> None:
        """
        Raises:
            ValueError: `base_url` is not the URL of a service.
            StyleQueueClientError: SSL_CERT_FILE or SSL_CERT_DIR names no certificates.
        """
        core = AsyncStyleQueue(
            base_url, api_key=api_key, timeout_seconds=timeout_seconds, retries=retries, driver=Blocking()
        )
        super().__init__(core)
        self.base_url = core.base_url
        self.batches = Batches(core.batches)
        self.dead_letters = DeadLetters(core.dead_letters)
        self.bulk_actions = BulkActions(core.bulk_actions)
        self.webhooks = Webhooks(core.webhooks)
        self.operations = Operations(core.operations)
        self.keys = Keys(core.keys)
        self.audit = Audit(core.audit)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    close = blocking(AsyncStyleQueue.close)
    submit = blocking(AsyncStyleQueue.submit)
    source = blocking(AsyncStyleQueue.source)
    upload = blocking(AsyncStyleQueue.upload)
    send = blocking(AsyncStyleQueue.send)
    job = blocking(AsyncStyleQueue.job)
    jobs = blocking(AsyncStyleQueue.jobs)
    iter_jobs = blocking_iterator(AsyncStyleQueue.iter_jobs)
    wait = blocking(AsyncStyleQueue.wait)
    save = blocking(AsyncStyleQueue.save)
    result_url = blocking(AsyncStyleQueue.result_url)
    cancel = blocking(AsyncStyleQueue.cancel)
    retry = blocking(AsyncStyleQueue.retry)
    delete = blocking(AsyncStyleQueue.delete)
    capabilities = blocking(AsyncStyleQueue.capabilities)
    queue = blocking(AsyncStyleQueue.queue)
    usage = blocking(AsyncStyleQueue.usage)
    greet = blocking(AsyncStyleQueue.greet)
    ready = blocking(AsyncStyleQueue.ready)
    alive = blocking(AsyncStyleQueue.alive)
