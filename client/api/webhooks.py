"""Webhooks: their deliveries, and the secret that signs them."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from client.blocking import Facade, blocking, blocking_iterator
from client.http.answers import parsed, refusing_what_the_model_refuses
from client.http.lists import PAGE_SIZE, pages, path_of, query_of
from client.http.transport import Transport
from shared.wire.webhook_records import (
    Delivery,
    DeliveryPage,
    DeliveryStatus,
    DeliveryView,
    WebhookSecret,
    WebhookTest,
)


class AsyncWebhooks:
    """The part of `AsyncStyleQueue` for webhooks."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def deliveries(
        self,
        status: DeliveryStatus | None = None,
        *,
        job_id: str | None = None,
        batch_id: str | None = None,
        owner: str | None = None,
        page_size: int = PAGE_SIZE,
    ) -> AsyncGenerator[Delivery]:
        """Yield all of them, or those about one job or batch, newest first.

        With an admin key, `owner` lists another owner's, or ALL_OWNERS'.
        """
        query = query_of(limit=page_size, status=status, job_id=job_id, batch_id=batch_id, owner=owner)
        async for page in pages(self._transport, path_of("webhooks", "deliveries"), DeliveryPage, query):
            for each in page.deliveries:
                yield each

    async def delivery(self, delivery_id: str) -> DeliveryView:
        """Return one delivery with its attempts."""
        path = path_of("webhooks", "deliveries", delivery_id)
        return parsed(DeliveryView, await self._transport.get(path))

    async def redeliver(self, delivery_id: str) -> DeliveryView:
        """Send it once more with the same id. If that fails, all attempts are made again."""
        path = path_of("webhooks", "deliveries", delivery_id, "redeliver")
        return parsed(DeliveryView, await self._transport.post(path, repeatable=True))

    async def secret(self) -> WebhookSecret:
        """Return the secret that verifies webhooks."""
        return parsed(WebhookSecret, await self._transport.get(path_of("webhooks", "secret")))

    async def rotate_secret(self) -> WebhookSecret:
        """Replace the secret. For a day, webhooks are signed with the old one too."""
        return parsed(WebhookSecret, await self._transport.post(path_of("webhooks", "secret", "rotate")))

    async def test(self, url: str) -> DeliveryView:
        """Send a test event.

        Raises:
            RequestRefused: webhooks are not sent to such a URL.
        """
        with refusing_what_the_model_refuses():
            wanted = WebhookTest(url=url)
        return parsed(DeliveryView, await self._transport.post(path_of("webhooks", "test"), wanted))


class Webhooks(Facade):
    """The part of `StyleQueue` for webhooks."""

    deliveries = blocking_iterator(AsyncWebhooks.deliveries)
    delivery = blocking(AsyncWebhooks.delivery)
    redeliver = blocking(AsyncWebhooks.redeliver)
    secret = blocking(AsyncWebhooks.secret)
    rotate_secret = blocking(AsyncWebhooks.rotate_secret)
    test = blocking(AsyncWebhooks.test)
