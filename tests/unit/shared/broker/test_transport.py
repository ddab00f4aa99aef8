from __future__ import annotations

from typing import Any

import pytest
import redis

from shared.broker.queue import NEXT_TASK, create_celery, queue_name
from shared.broker.transport import SentinelTransport, Transport
from shared.settings import Settings
from shared.wire.descriptors import Lane


@pytest.mark.parametrize(
    ("url", "transport"),
    [
        ("redis://h:1/0", Transport),
        ("rediss://h:1/0", Transport),
        ("unix:///run/redis.sock", Transport),
        ("sentinel://h:1,i:1/0?master=main", SentinelTransport),
    ],
)
def test_every_kind_of_broker_url_leads_to_this_transport(url: str, transport: type) -> None:
    with create_celery(Settings(redis_url=url)) as app:
        assert app.connection_for_write().get_transport_cls() is transport


def test_a_delivered_message_is_gone_from_redis(connection: redis.Redis, redis_url: str) -> None:
    received: list[Any] = []
    with create_celery(Settings(redis_url=redis_url)) as app:
        app.send_task(NEXT_TASK, args=("normal", "call_1"), queue=queue_name(Lane.NORMAL))
        with app.connection_for_read() as broker, app.amqp.TaskConsumer(broker) as consumer:
            consumer.on_message = received.append
            broker.drain_events(timeout=10)
            (message,) = received
            message.ack()
            assert connection.keys("unacked*") == []
            assert connection.llen(queue_name(Lane.NORMAL)) == 0


def test_a_channel_has_one_client_until_its_connections_are_dropped(redis_url: str) -> None:
    with (
        create_celery(Settings(redis_url=redis_url)) as app,
        app.connection_for_write() as broker,
        broker.channel() as channel,
    ):
        with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
            assert first is second
        channel._disconnect_pools()
        with channel.conn_or_acquire() as third:
            assert third is not first
            assert third.ping()
