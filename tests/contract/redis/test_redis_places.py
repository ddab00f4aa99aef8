"""Records and messages are in the same database, whatever the spelling of STYLEQUEUE_REDIS_URL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from shared.broker.queue import OVERRIDES, Dispatcher, create_celery, queue_name
from shared.settings import Settings
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.redis.connection import connect
from shared.wire.descriptors import Lane
from tests.jobs import create
from tests.stacks.ports import free_port
from tests.stacks.servers import running_redis

DATABASE = 3


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The host and port of a Redis server, and the path of its Unix socket."""
    folder = tmp_path_factory.mktemp("r")  # short: the path of a socket has at most 107 bytes
    with running_redis(folder, "--unixsocket", str(folder / "s")) as url:
        yield {"place": url.removeprefix("redis://").removesuffix("/0"), "path": str(folder / "s")}


@pytest.mark.parametrize(
    "url",
    [
        "redis://{place}?db=3",
        "valkey://{place}/3",
        "unix://{path}?db=3",
        "redis+socket://{path}?virtual_host=3",
    ],
)
def test_a_job_and_its_message_are_in_the_database_that_the_url_names(
    places: dict[str, str], url: str
) -> None:
    host, port = places["place"].split(":")
    settings = Settings(redis_url=url.format_map(places))
    with (
        redis.Redis(host, int(port), DATABASE, decode_responses=True) as found,
        connect(settings.redis_url) as connection,
        create_celery(settings) as app,
    ):
        found.flushall()
        job_id = create(JobStore(connection), lane=Lane.HIGH)
        assert Dispatcher(Lanes(connection), app, window=1).dispatch() == 1
        assert found.exists(f"sq:job:{job_id}")
        assert found.llen(queue_name(Lane.HIGH)) == 1


def test_celery_s_own_variables_lead_no_message_elsewhere(
    places: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in OVERRIDES:
        monkeypatch.setenv(variable, f"redis://127.0.0.1:{free_port()}/0")
    url = f"redis://:**@{places['place']}/{DATABASE}"
    with create_celery(Settings(redis_url=url)) as app:
        for connection in (app.connection(), app.connection_for_read(), app.connection_for_write()):
            assert connection.as_uri() == url
        assert app.backend.as_uri() == "disabled://"
