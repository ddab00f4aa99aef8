"""URLs of a Redis behind Sentinel, as our own client and as Celery's transport take them."""

from __future__ import annotations

import pytest

from shared.broker.queue import create_celery
from shared.errors import SettingsError
from shared.redaction import redacted
from shared.scheduling.lane_order import LaneOrder
from shared.settings import Settings
from shared.store.redis.connection import SentinelThreadPool, ThreadPool, connect
from shared.store.redis.sentinel import SentinelUrl

URL = "sentinel://anna:p%40ss@one:1,two,[::1]:3/2?master=main&sentinel_username=s&sentinel_password=of-these"


def test_every_part_is_read() -> None:
    url = SentinelUrl.parse(URL)
    assert url.sentinels == (("one", 1), ("two", 26379), ("::1", 3))
    assert (url.master, url.database) == ("main", 2)
    assert url.master_login == {"username": "anna", "password": "p@ss"}
    assert url.sentinel_login == {"username": "s", "password": "of-these"}
    assert SentinelUrl.parse("sentinel://one/?master=m").master_login == {}


def test_celery_gets_a_url_for_each_sentinel_and_our_order_of_lanes() -> None:
    app = create_celery(Settings(redis_url=URL))
    with app.connection() as connection:
        assert connection.alt == [
            "sentinel://anna:p%40ss@one:1/2",
            "sentinel://anna:p%40ss@two:26379/2",
            "sentinel://anna:p%40ss@[::1]:3/2",
        ]
        assert (connection.userid, connection.password, connection.virtual_host) == ("anna", "p@ss", "2")
    options = app.conf.broker_transport_options
    assert options["master_name"] == "main"
    assert options["sentinel_kwargs"]["password"] == "of-these"
    assert options["queue_order_strategy"].func is LaneOrder


def test_our_own_client_has_its_pool_with_a_connection_for_each_thread() -> None:
    pool = connect(URL).connection_pool
    assert isinstance(pool, SentinelThreadPool)
    assert isinstance(pool, ThreadPool)
    assert pool.service_name == "main"
    assert {name: pool.connection_kwargs[name] for name in ("db", "username", "password")} == {
        "db": 2,
        "username": "anna",
        "password": "p@ss",
    }


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sentinel://:secret@one:1/0", "names no master"),
        ("sentinel://:secret@one:1/0?master=m&colour=red", "no 'colour'"),
        ("sentinel://:secret@one:1/first?master=m", "not a number"),
        ("sentinel://:secret@one:port/0?master=m", "host or port"),
        ("sentinel://:se/secret@one:1/0?master=m", "%2F"),
        ("sentinel://:secret@one,,two/0?master=m", "host or port"),
    ],
)
def test_a_malformed_url_ends_the_start_with_a_sentence_and_shows_no_password(url: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason) as refused:
        Settings.from_environment({"STYLEQUEUE_REDIS_URL": url})
    assert refused.value.detail.startswith("STYLEQUEUE_REDIS_URL: ")
    assert "secret" not in refused.value.detail


def test_no_log_line_shows_a_password_of_such_a_url() -> None:
    line = redacted(f"connecting to {URL} failed; {SentinelUrl.parse(URL)}")
    assert "p%40ss" not in line
    assert "p@ss" not in line
    assert "of-these" not in line
