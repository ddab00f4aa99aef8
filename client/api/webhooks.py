"""Webhooks: what the service sent and what came of it, sending it again, and the secret to verify with."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from client.http.answers import parsed, refusing_what_the_model_refuses
from client.http.transport import Transport
from shared.wire.webhook_records import (
    Delivery,
    DeliveryPage,
    DeliveryStatus,
    DeliveryView,
    WebhookSecret,
    WebhookTest,
)

PATH = "/v1/webhooks"
PAGE_SIZE = 100  # deliveries in one answer of the service


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
        """Yield all of them, or those that tell of one job or batch, newest first.

        With an admin key, `owner` lists another owner's, or ALL_OWNERS'.
        """
        wanted = {
            "limit": page_size,
            "status": status,
            "job_id": job_id,
            "batch_id": batch_id,
            "owner": owner,
        }
        query = {name: value for name, value in wanted.items() if value is not None}
        while True:
            page = parsed(DeliveryPage, self._transport.get(f"{PATH}/deliveries", query))
            yield from page.deliveries
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor

    def delivery(self, delivery_id: str) -> DeliveryView:
        """One of them, with its attempts."""
        return parsed(DeliveryView, self._transport.get(_path(delivery_id)))

    def redeliver(self, delivery_id: str) -> DeliveryView:
        """Sends it once more, with the same id; if that fails, with all attempts again."""
        answer = self._transport.post(f"{_path(delivery_id)}/redeliver", repeatable=True)
        return parsed(DeliveryView, answer)

    def secret(self) -> WebhookSecret:
        """What to verify webhooks with."""
        return parsed(WebhookSecret, self._transport.get(f"{PATH}/secret"))

    def rotate_secret(self) -> WebhookSecret:
        """A new secret; for a day webhooks are signed with the old one too."""
        return parsed(WebhookSecret, self._transport.post(f"{PATH}/secret/rotate"))

    def test(self, url: str) -> DeliveryView:
        """Send an event that tells of nothing.

        Raises:
            RequestRefused: webhooks are not sent to such a URL.
        """
        with refusing_what_the_model_refuses():
            wanted = WebhookTest(url=url)
        return parsed(DeliveryView, self._transport.post(f"{PATH}/test", wanted))


def _path(delivery_id: str) -> str:
    return f"{PATH}/deliveries/{quote(delivery_id, safe='')}"
