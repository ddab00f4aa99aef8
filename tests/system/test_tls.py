"""TLS to Redis: records and messages verify the same server, and a refusal says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from kombu.exceptions import OperationalError

from shared.broker.queue import Dispatcher, create_celery, queue_name
from shared.errors import QueueRefused, QueueUnavailable
from shared.settings import Settings
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.redis.connection import connect, translated_errors
from shared.store.redis.fitness import refuse_unfit_redis
from shared.wire.descriptors import Lane
from tests.faults.mixtures.crowd import Crowd
from tests.faults.stand_ins.another_api import another_api
from tests.jobs import create
from tests.stacks.fault_stack import ANSWER_SECONDS, FaultStack
from tests.stacks.ports import free_port
from tests.system.hosts.certificates import Authority
from tests.system.hosts.tls_redis import TlsRedis, running_tls_redis

HERE, ELSEWHERE = "127.0.0.1", "192.0.2.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsRedis]:
    certificate = authority.certificate(HERE)
    with running_tls_redis(tmp_path_factory.mktemp("tls"), authority, certificate) as server:
        yield server


def refusal(url: str) -> str:
    with pytest.raises(QueueRefused) as refused:
        refuse_unfit_redis(Settings(redis_url=url))
    return refused.value.detail.removeprefix("STYLEQUEUE_REDIS_URL: ")


def dispatch_one(url: str) -> None:
    """Pass a record and its message."""
    refuse_unfit_redis(Settings(redis_url=url))
    with connect(url) as connection, create_celery(Settings(redis_url=url)) as app:
        create(JobStore(connection), lane=Lane.HIGH)
        assert Dispatcher(Lanes(connection), app, window=100).dispatch() == 1


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"ssl_cert_reqs": "CERT_REQUIRED"},
        {"ssl_cert_reqs": "required", "ssl_check_hostname": "true"},
    ],
)
def test_a_job_and_its_message_go_to_a_server_of_a_known_authority(
    authority: Authority, server: TlsRedis, words: dict[str, str]
) -> None:
    server.admin.flushall()
    dispatch_one(server.url(ssl_ca_certs=authority.file, **words))
    assert server.admin.llen(queue_name(Lane.HIGH)) == 1


@pytest.mark.parametrize("spelling", ["none", "CERT_NONE"])
def test_who_wants_no_verification_gets_none_for_both(server: TlsRedis, spelling: str) -> None:
    server.admin.flushall()
    dispatch_one(server.url(ssl_cert_reqs=spelling))
    assert server.admin.llen(queue_name(Lane.HIGH)) == 1


def assert_neither_library_logs_in(server: TlsRedis, url: str, sentence: str) -> None:
    before = server.logins()
    assert re.search(sentence, refusal(url))
    with (
        create_celery(Settings(redis_url=url)) as app,
        app.connection() as broker,
        pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        broker.ensure_connection(max_retries=1, interval_start=0)
    assert server.logins() == before


def test_neither_library_sends_the_password_to_a_server_of_an_unknown_authority(server: TlsRedis) -> None:
    assert_neither_library_logs_in(server, server.url(), "certificate is not trusted: ")


@pytest.mark.parametrize(
    ("address", "ended", "sentence"),
    [
        (ELSEWHERE, False, "certificate is for another host: .* not valid for '127.0.0.1'"),
        (HERE, True, "certificate is not trusted: certificate has expired"),
    ],
)
def test_neither_library_sends_the_password_to_a_server_with_a_wrong_certificate(
    authority: Authority, tmp_path: Path, address: str, ended: bool, sentence: str
) -> None:
    certificate = authority.certificate(address, ended=ended)
    with running_tls_redis(tmp_path, authority, certificate) as server:
        assert_neither_library_logs_in(server, server.url(ssl_ca_certs=authority.file), sentence)


def test_a_server_that_asks_for_a_certificate_gets_the_client_s(authority: Authority, tmp_path: Path) -> None:
    own = authority.certificate(HERE)
    files = {"ssl_certfile": own.file, "ssl_keyfile": own.key_file}
    with running_tls_redis(tmp_path, authority, own, asks_clients=True) as server:
        dispatch_one(server.url(ssl_ca_certs=authority.file, **files))


def test_a_file_that_holds_no_certificate_is_no_reason_to_wait_for_redis(
    authority: Authority, server: TlsRedis
) -> None:
    key_file = authority.certificate(HERE).key_file
    assert "TLS with Redis fails: no certificate" in refusal(server.url(ssl_ca_certs=key_file))


def test_a_url_with_the_wrong_scheme_for_tls_is_recognized_either_way(
    server: TlsRedis,
) -> None:
    plain_port = server.admin.connection_pool.connection_kwargs["port"]
    for url, told in (
        (f"redis://127.0.0.1:{server.port}/0", r"closes the connection, .* wants TLS \(rediss://\)"),
        (f"rediss://127.0.0.1:{plain_port}/0", r"does not answer, .* has no TLS \(redis://\)"),
        (f"redis://127.0.0.1:{free_port()}/0", "^Redis does not answer$"),
    ):
        with connect(url) as connection, pytest.raises(QueueUnavailable, match=told), translated_errors():
            connection.ping()


def test_a_worker_and_an_api_do_jobs_over_tls(
    authority: Authority, server: TlsRedis, stack: FaultStack, crowd: Crowd
) -> None:
    url = server.url(ssl_ca_certs=authority.file)
    server.admin.flushall()
    with another_api(stack, STYLEQUEUE_REDIS_URL=url) as api, connect(url) as connection:
        stack.client = httpx.Client(base_url=api.url, timeout=ANSWER_SECONDS, trust_env=False)
        stack.connection = connection
        stack.start_workers(1, STYLEQUEUE_REDIS_URL=url)
        stack.until_workers_are_there()
        crowd.send_good(4)
        for job_id in crowd.accepted:
            assert stack.client.get(f"/v1/jobs/{job_id}?wait=30").json()["status"] == "succeeded"
