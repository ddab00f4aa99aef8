"""The service for programs that block: submit pictures, wait for jobs, save the results.

    with StyleQueue("http://127.0.0.1:8080") as queue:
        job = queue.wait(queue.submit(Path("harbor.jpg"), Path("starry-night.jpg")))
        print(queue.save(job, "."))

Threads may share an object. The methods are those of `client.core`.
"""

from __future__ import annotations

from typing import Self

from client.api.audit import Audit
from client.api.batches import Batches
from client.api.bulk_actions import BulkActions
from client.api.dead_letters import DeadLetters
from client.api.keys import Keys
from client.api.operations import Operations
from client.api.owners import Owners
from client.api.webhooks import Webhooks
from client.blocking import Facade, blocking, blocking_iterator
from client.core import Core
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
        core = Core(base_url, Blocking(), api_key=api_key, timeout_seconds=timeout_seconds, retries=retries)
        super().__init__(core)
        self.base_url = core.base_url
        self.batches = Batches(core.batches)
        self.dead_letters = DeadLetters(core.dead_letters)
        self.bulk_actions = BulkActions(core.bulk_actions)
        self.webhooks = Webhooks(core.webhooks)
        self.operations = Operations(core.operations)
        self.keys = Keys(core.keys)
        self.audit = Audit(core.audit)
        self.owners = Owners(core.owners)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    close = blocking(Core.close)
    submit = blocking(Core.submit)
    source = blocking(Core.source)
    upload = blocking(Core.upload)
    send = blocking(Core.send)
    job = blocking(Core.job)
    jobs = blocking(Core.jobs)
    iter_jobs = blocking_iterator(Core.iter_jobs)
    wait = blocking(Core.wait)
    save = blocking(Core.save)
    result_url = blocking(Core.result_url)
    cancel = blocking(Core.cancel)
    retry = blocking(Core.retry)
    delete = blocking(Core.delete)
    capabilities = blocking(Core.capabilities)
    queue = blocking(Core.queue)
    usage = blocking(Core.usage)
    greet = blocking(Core.greet)
    ready = blocking(Core.ready)
    alive = blocking(Core.alive)
