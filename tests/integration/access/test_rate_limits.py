"""Rate limits, in the API on a real Redis; the limits are low, and each request is counted."""

from __future__ import annotations

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from api.access.rate_limits import EXPENSIVE, Prepaid
from api.app import create_app
from api.services import Services
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.redis.connection import connect
from tests.access import as_owner, make_key, with_key
from tests.stacks.ports import free_port
from tests.stacks.servers import running_redis
from tests.stacks.service import PAIR, assert_problem, service

READS, WRITES = 5, 3
JOB = "/v1/jobs"


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    low = {"max_reads_per_minute": READS, "max_writes_per_minute": WRITES}
    return settings.model_copy(update=low)


def use_up(client: FlaskClient, **options: str) -> None:
    assert [client.get(JOB, **options).status_code for _ in range(READS)] == [200] * READS


def test_one_too_many_is_refused_with_the_limit_and_when_to_come_again(app: Flask) -> None:
    client = as_owner(app, "anna")
    use_up(client)
    response = client.get(JOB)
    detail = assert_problem(response, 429, "rate-limited")
    assert "5 reads in a minute (max_reads_per_minute)" in detail
    assert 1 <= int(response.headers["Retry-After"]) <= 60


@pytest.mark.parametrize("search", ["?tag=x", "?status=failed", "?tag=x&limit=1"])
def test_a_search_counts_as_several_reads(app: Flask, settings: Settings, search: str) -> None:
    with service(settings.model_copy(update={"max_reads_per_minute": 3 * EXPENSIVE})) as roomy:
        client = as_owner(roomy, "anna")
        assert [client.get(JOB + search).status_code for _ in range(4)] == [200] * 3 + [429]
        assert as_owner(roomy, "bert").get(JOB + search).status_code == 200


def test_reads_and_writes_have_counts_of_their_own(app: Flask) -> None:
    client = as_owner(app, "anna")
    use_up(client)
    assert [client.post(JOB, json=PAIR).status_code for _ in range(WRITES)] == [202] * WRITES
    assert "3 writes" in assert_problem(client.post(JOB, json=PAIR), 429, "rate-limited")


def test_each_key_has_a_count_of_its_own_also_of_the_same_owner(app: Flask) -> None:
    use_up(as_owner(app, "anna"))
    assert as_owner(app, "anna").get(JOB).status_code == 200
    assert as_owner(app, "bert").get(JOB).status_code == 200


def test_without_keys_the_address_is_counted(app: Flask) -> None:
    use_up(app.test_client())
    assert_problem(app.test_client().get(JOB), 429, "rate-limited")
    other = {"REMOTE_ADDR": "127.0.0.2"}
    assert app.test_client().get(JOB, environ_overrides=other).status_code == 200


def test_wrong_keys_are_counted_and_then_not_even_looked_at(app: Flask) -> None:
    good = make_key(app, "anna")
    guesses = [with_key(app, good[:-3] + f"{number:03}").get(JOB).status_code for number in range(READS + 2)]
    assert guesses == [401] * READS + [429] * 2
    assert with_key(app, good).get(JOB).status_code == 200


def test_other_api_processes_count_together(app: Flask, settings: Settings) -> None:
    key = make_key(app, "anna")
    use_up(with_key(app, key))
    with service(settings) as other:
        assert_problem(with_key(other, key).get(JOB), 429, "rate-limited")


def test_a_probe_is_never_refused(app: Flask) -> None:
    client = app.test_client()
    assert {client.get("/healthz").status_code for _ in range(3 * READS)} == {200}
    assert {client.get("/readyz").status_code for _ in range(3 * READS)} == {503}  # there is no worker


def test_pages_have_a_count_of_their_own_which_wrong_keys_do_not_use_up(app: Flask) -> None:
    stranger = with_key(app, make_key(app, "anna")[:-3] + "xyz")
    assert [stranger.get(JOB).status_code for _ in range(READS + 1)] == [401] * READS + [429]
    pages = ["/docs", "/docs/", "/docs/swagger", "/openapi.json", "/docs/swagger/css/swagger-ui.css"]
    assert [stranger.get(page).status_code for page in pages] == [200] * READS
    assert "(max_reads_per_minute)" in assert_problem(stranger.get("/docs"), 429, "rate-limited")
    assert stranger.get("/readyz").status_code == 503


def test_a_window_that_has_passed_is_forgotten(app: Flask, connection: redis.Redis) -> None:
    client = as_owner(app, "anna")
    use_up(client)
    assert client.get(JOB).status_code == 429
    for name in connection.scan_iter("sq:rate:*"):
        assert 0 < int(connection.ttl(name)) <= 60
        connection.delete(name)
    use_up(client)


def test_large_limits_are_counted_in_blocks_of_a_thousandth() -> None:
    prepaid = Prepaid(60_000)
    assert prepaid.block == 60
    assert [prepaid.use("anna") for _ in range(61)] == [False, *[True] * 59, False]
    assert prepaid.use("bert") is False
    prepaid.refuse("anna")
    assert prepaid.use("anna") is False


def test_polls_still_work_while_redis_takes_no_more_writes(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        running_redis(tmp_path_factory.mktemp("full")) as url,
        connect(url) as full,
        service(settings.model_copy(update={"redis_url": url})) as app,
    ):
        client = as_owner(app, "anna")
        job = client.post(JOB, json=PAIR).json or {}
        full.config_set("maxmemory", 1)
        polls = {client.get(job["links"]["self"]).status_code for _ in range(2 * READS)}
        assert polls == {200}
        assert_problem(client.post(JOB, json=PAIR), 503, "broker-unavailable")


def test_without_redis_it_is_503_and_not_500(settings: Settings, s3_settings: Settings) -> None:
    gone = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})
    client = create_app(Services.connect(gone, Storage(s3_settings))).test_client()
    assert_problem(client.get(JOB), 503, "broker-unavailable")
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
