"""STYLEQUEUE_REDIS_URL leads both libraries to the same place, or is refused in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kombu.transport.redis import Channel

from shared.broker.queue import create_celery
from shared.errors import SettingsError
from shared.redaction import redacted
from shared.settings import Settings
from shared.store.redis.connection import connect
from shared.store.redis.redis_url import RedisUrl

VERIFIED = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}


def of_records(url: str) -> dict[str, Any]:
    """Return where redis-py connects to."""
    pool = connect(url).connection_pool
    return {"class": pool.connection_class.__name__, **pool.connection_kwargs}


def of_broker(url: str) -> dict[str, Any]:
    """Return where kombu connects to, as it tells redis-py."""
    with create_celery(Settings(redis_url=url)).connection() as connection:
        channel = Channel.__new__(Channel)  # a channel made as usual would connect at once
        channel.connection = connection.transport
        found = channel._connparams()
    return {"class": found["connection_class"].__name__, **found}


@pytest.mark.parametrize("where", [of_records, of_broker])
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://one", {"host": "one", "port": 6379, "db": 0, "class": "Connection"}),
        ("REDIS://one:7/3\n", {"host": "one", "port": 7, "db": 3}),
        ("redis://", {"host": "localhost", "port": 6379, "db": 0}),
        ("redis://:7", {"host": "localhost", "port": 7}),
        ("redis://one?db=3", {"host": "one", "db": 3}),
        ("redis://one/?virtual_host=3", {"db": 3}),
        ("redis://one/3?db=3", {"db": 3}),
        ("redis://[::1]:7/0", {"host": "::1", "port": 7}),
        ("redis://anna:p%40ss%3Aw%2Fo%3B@one", {"username": "anna", "password": "p@ss:w/o;"}),
        ("redis://:p@ss:word%zz@one", {"password": "p@ss:word%zz"}),
        ("valkey://one:7/1", {"host": "one", "port": 7, "db": 1, "class": "Connection"}),
        ("unix:///run/a%20b.sock?db=3", {"path": "/run/a b.sock", "db": 3}),
        ("unix://anna:p%2Fw@/run/r.sock", {"path": "/run/r.sock", "username": "anna", "password": "p/w"}),
        ("redis+socket:///run/r.sock?virtual_host=3", {"path": "/run/r.sock", "db": 3}),
        ("socket:///run/r.sock", {"path": "/run/r.sock", "class": "UnixDomainSocketConnection"}),
        ("rediss://one", {"host": "one", "class": "SSLConnection", **VERIFIED}),
        ("valkeys://one", {"class": "SSLConnection", **VERIFIED}),
        ("rediss://one?ssl_cert_reqs=CERT_NONE", {"class": "SSLConnection", "ssl_cert_reqs": "none"}),
        ("rediss://one?ssl_cert_reqs=none", {"ssl_cert_reqs": "none"}),
        ("rediss://one?ssl_cert_reqs=CERT_REQUIRED&ssl_check_hostname=false", {"ssl_check_hostname": False}),
        ("rediss://one?ssl_cert_reqs=optional", {"ssl_cert_reqs": "optional"}),
        (f"rediss://one?ssl_ca_certs={__file__}", {"ssl_ca_certs": __file__, **VERIFIED}),
        ("rediss://one?ssl_password=a%26b", {"ssl_password": "a&b"}),
    ],
)
def test_both_libraries_are_led_to_the_same_place(url: str, expected: dict[str, Any], where: Any) -> None:
    found = where(url)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("one:6379", "it must look like redis://HOST:PORT/0"),
        ("redis:6379", "it must look like redis://HOST:PORT/0"),
        (":secret@one:6379", "it must look like"),
        ("http://:secret@one", "it must look like"),
        ("amqp://:secret@one", "it must look like"),
        ('"redis://:secret@one"', "it must look like"),
        ("redis://:p@ss:secret/o@one:6379/0", "%2F"),
        ("redis://:secret#o@one:6379/0", "%23"),
        ("redis://:secret?o@one:6379/0", "%3F"),
        ("redis://:secret@one/0#a", "%23"),
        ("redis://:secret@one:port/0", "host or port"),
        ("redis://:secret@one two/0", "host or port"),
        ("redis://:secret@one:1;redis://two/0", "not a number"),
        ("redis://:secret@one:1,two:2/0", "host or port"),
        ("redis://:secret@[::1/0", "host or port"),
        ("redis://:secret@one/first", "not a number"),
        ("redis://:secret@one/0?db=first", "not a number"),
        ("redis://:secret@one/0?db=3", "two databases"),
        ("redis://:secret@one/0?protocol=3", "no 'protocol'"),
        ("redis://:secret@one/0?ssl_cert_reqs=none", "needs TLS: rediss://"),
        ("rediss://:secret@one/0?ssl_cert_reqs=secret", "is none, optional or required"),
        ("rediss://:secret@one/0?ssl_check_hostname=secret", "is true or false"),
        ("rediss://:secret@one/0?ssl_ca_certs=/no/such.pem", "'/no/such.pem', which this process cannot"),
        ("unix://tmp/redis.sock", "unix:///PATH"),
        ("unix://", "unix:///PATH"),
    ],
)
def test_a_malformed_url_is_refused_in_a_sentence_that_shows_no_secret(url: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason) as refused:
        Settings.from_environment({"STYLEQUEUE_REDIS_URL": url})
    detail = refused.value.detail
    assert detail.startswith("STYLEQUEUE_REDIS_URL: ")
    assert "secret" not in detail
    assert "\n" not in detail


def test_no_log_line_shows_a_secret_of_such_a_url(tmp_path: Path) -> None:
    (tmp_path / "key.pem").touch()
    url = f"rediss://anna:p%40ss@one/0?ssl_keyfile={tmp_path}/key.pem&ssl_password=of-the-key"
    line = redacted(f"connecting to {url} failed; {RedisUrl.parse(url)}")
    for secret in ("p%40ss", "p@ss", "of-the-key"):
        assert secret not in line
