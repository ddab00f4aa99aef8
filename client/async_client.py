"""The service for asyncio: submit pictures, wait for jobs, save the results.

    async with AsyncStyleQueue("http://127.0.0.1:8080") as queue:
        job = await queue.wait(await queue.submit(Path("harbor.jpg"), Path("starry-night.jpg")))
        print(await queue.save(job, "."))

Tasks may share an object.
"""

from __future__ import annotations

from typing import Self

from client.core import Core
from client.http.event_loop import Asyncio
from client.http.retries import DEFAULT_RETRIES, Retries


class AsyncStyleQueue(Core):
    """A client of the service at `base_url`; use it in an `async with` statement, or close() it."""

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
        super().__init__(
            base_url, Asyncio(), api_key=api_key, timeout_seconds=timeout_seconds, retries=retries
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
