"""Webhooks: their deliveries, and the secret that signs them."""

from __future__ import annotations

from collections.abc import Iterator

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


class Webhooks:
    """The part of `StyleQueue` for webhooks."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def deliveries(
        self,
        status: DeliveryStatus | None = None,
        *,
        job_id: str | None = None,
        batch_id: str | None = None,
        owner: str | None = None,
        page_size: int = PAGE_SIZE,
    ) -> Iterator[Delivery]:
        """Yield all of them, or those about one job or batch, newest first.

        With an admin key, `owner` lists another owner's, or ALL_OWNERS'.
        """
        query = query_of(limit=page_size, status=status, job_id=job_id, batch_id=batch_id, owner=owner)
        for page in pages(self._transport, path_of("webhooks", "deliveries"), DeliveryPage, query):
            yield from page.deliveries

    def delivery(self, delivery_id: str) -> DeliveryView:
        """Return one delivery with its attempts."""
        path = path_of("webhooks", "deliveries", delivery_id)
        return parsed(DeliveryView, self._transport.get(path))

    def redeliver(self, delivery_id: str) -> DeliveryView:
        """Send it once more with the same id. If that fails, all attempts are made again."""
        path = path_of("webhooks", "deliveries", delivery_id, "redeliver")
        return parsed(DeliveryView, self._transport.post(path, repeatable=True))

    def secret(self) -> WebhookSecret:
        """Return the secret that verifies webhooks."""
        return parsed(WebhookSecret, self._transport.get(path_of("webhooks", "secret")))

    def rotate_secret(self) -> WebhookSecret:
        """Replace the secret. For a day, webhooks are signed with the old one too."""
        return parsed(WebhookSecret, self._transport.post(path_of("webhooks", "secret", "rotate")))

    def test(self, url: str) -> DeliveryView:
        """Send a test event.

        Raises:
            RequestRefused: webhooks are not sent to such a URL.
        """
        with refusing_what_the_model_refuses():
            wanted = WebhookTest(url=url)
        return parsed(DeliveryView, self._transport.post(path_of("webhooks", "test"), wanted))
