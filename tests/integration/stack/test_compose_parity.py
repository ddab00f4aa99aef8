"""The services of docker-compose.yml run here, each by its own command and environment, and paint a batch.

tests/stacks/compose_stack.py says what stands in for Docker.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from os import kill
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import redis
import yaml
from PIL import Image

from client import StyleQueue
from samples import content_paths, style_paths
from shared.store.redis.connection import connect
from tests.stacks.compose_files import ROOT
from tests.stacks.compose_stack import BIN, ComposeStack
from tests.stacks.servers import wait_until
from tests.stacks.service import sha256
from worker.model.embedded_model import embedded_model_path
from worker.model.hub_cache import cached_model

START_SECONDS = 200  # a deadline for machines that are busy with other tests
CREATE_KEY = "docker compose run --rm operator stylequeue keys create me --admin"
NOT_STARTED = {
    "seaweedfs",  # stack.started_s3
    "minio",  # not at hand
    "proxy",  # a real nginx stands before the API in tests/system
    "worker-gpu",  # the worker's command, which tests/unit/test_compose.py compares
    "worker-optimize",  # the same for another lane; tests/integration has jobs of that lane
    "prometheus",  # a real one scrapes in tests/system
    "grafana",
}


@dataclass
class Running:
    """The services after `up`, and the first key."""

    stack: ComposeStack
    key: str
    pids: dict[str, int]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.stack.api_port}"

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Running]:
    stack = ComposeStack(tmp_path_factory.mktemp("compose"))
    with ExitStack() as stopped, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFHUB_CACHE_DIR", str(stack.path("/cache/hub")))
        fill_hub_cache(cached_model(stack.env["STYLEQUEUE_MODEL"]), embedded_model_path(model_cache))
        stopped.enter_context(stack.started_s3())
        pids = {"redis": stopped.enter_context(stack.started("redis"))}
        wait_until(lambda: stack.is_healthy("redis"), START_SECONDS, "Redis' health")
        wait_until(lambda: stack.run("storage-setup").returncode == 0, START_SECONDS, "the bucket")
        created = stack.run("operator", *CREATE_KEY.partition(" operator ")[2].split())
        assert created.returncode == 0, created.stderr
        for name in ("api", "worker"):
            pids[name] = stopped.enter_context(stack.started(name))
        yield Running(stack, created.stdout.strip(), pids)


def fill_hub_cache(folder: Path, model: Path) -> None:
    """Put the embedded model into the cache as if the Hub had sent it; it has the Hub module's format."""
    folder.parent.mkdir(parents=True)
    folder.symlink_to(model)


def test_every_service_that_goes_on_is_started_here_or_named_as_one_that_is_not(up: Running) -> None:
    services = up.stack.services.items()
    going_on = {name for name, service in services if service.get("restart", "no") != "no"}
    assert going_on == set(up.pids) | NOT_STARTED


def test_the_documents_name_the_commands_that_are_tried_here() -> None:
    for file in ("README.md", "docs/11-containers.md", "docker-compose.yml"):
        assert CREATE_KEY in (ROOT / file).read_text("utf-8"), file


def test_a_folder_of_photographs_is_painted_and_fetched_from_outside(up: Running, tmp_path: Path) -> None:
    """The client knows the API's address and a key, and nothing else."""
    log = up.stack.log("worker")
    wait_until(lambda: "model loaded" in log.read_text(), START_SECONDS, "a worker's model")
    wait_until(lambda: status(f"{up.url}/readyz") == 200, START_SECONDS, "readiness")
    assert httpx.get(f"{up.url}/v1/jobs").status_code == 401
    style = str(style_paths()[0])
    command = ["stylequeue", "submit", str(content_paths()[0].parent), "--style", style]
    subprocess.run(
        [str(BIN / command[0]), *command[1:], "--out", str(tmp_path), "--max-side", "256"],
        env={"PATH": str(BIN), "STYLEQUEUE_API": up.url, "STYLEQUEUE_API_KEY": up.key},
        check=True,
        timeout=120,
    )
    painted = sorted(tmp_path.glob("*.jpg"))
    assert len(painted) == len(content_paths())
    for path in painted:
        with Image.open(path) as picture:
            assert max(picture.size) == 256
    with StyleQueue(up.url, api_key=up.key) as queue:
        job = queue.jobs(limit=1).jobs[0]
    assert job.result
    assert job.result.model == up.stack.env["STYLEQUEUE_MODEL"]
    presigned = httpx.get(job.result.url, headers=up.bearer).headers["location"]
    assert urlsplit(presigned).port == up.stack.public_s3_port != up.stack.s3_port
    assert sha256(httpx.get(presigned).content) == job.result.sha256


def test_every_health_check_succeeds(up: Running) -> None:
    for name in up.pids:
        wait_until(lambda name=name: up.stack.is_healthy(name), 60, f"the health of {name}")


def test_a_health_check_fails_where_nothing_listens(up: Running) -> None:
    elsewhere = ComposeStack(up.stack.folder / "elsewhere")
    assert [name for name in ("redis", "api") if elsewhere.is_healthy(name)] == []


def test_redis_keeps_a_log_evicts_nothing_and_asks_for_a_password(up: Running) -> None:
    client = connect(f"redis://:{up.stack.env['REDIS_PASSWORD']}@127.0.0.1:{up.stack.redis_port}/0")
    wanted = {
        "appendonly": "yes",
        "maxmemory-policy": "noeviction",
        "maxmemory": str(1 << 30),
        "hash-max-ziplist-value": "4096",
    }
    assert {name: client.config_get(name)[name] for name in wanted} == wanted
    assert (up.stack.path("/data") / "appendonly.aof").stat().st_size
    client.close()
    arguments = Path(f"/proc/{up.pids['redis']}/cmdline").read_text()
    passwords = [
        text for name, text in up.stack.env.items() if name.startswith("REDIS_") and "PASSWORD" in name
    ]
    assert len(passwords) == 4
    assert not any(password in arguments for password in passwords)
    stranger = connect(f"redis://127.0.0.1:{up.stack.redis_port}/0")
    with pytest.raises(redis.AuthenticationError):
        stranger.ping()
    stranger.close()


def test_prometheus_would_find_the_workers_and_the_api(up: Running) -> None:
    port = up.stack.environment("worker")["STYLEQUEUE_METRICS_PORT"]
    assert "stylequeue_host_processes" in httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert status(f"{up.url}/metrics") == 401
    assert "stylequeue_" in httpx.get(f"{up.url}/metrics", headers=up.bearer).text


def test_keda_would_be_answered(up: Running) -> None:
    """The request is that of deploy/kubernetes/components/keda/worker.yaml."""
    text = (ROOT / "deploy/kubernetes/components/keda/worker.yaml").read_text("utf-8")
    asked = yaml.safe_load(text)["spec"]["triggers"][0]["metadata"]
    url = urlsplit(asked["url"])
    answer = httpx.get(f"{up.url}{url.path}?{url.query}", headers=up.bearer)
    assert answer.json()[asked["valueLocation"]] >= 1


def test_logs_are_lines_of_json(up: Running) -> None:
    lines = [line for line in up.stack.log("worker").read_text().splitlines() if line.startswith("{")]
    assert {"model loaded"} <= {json.loads(line)["event"] for line in lines}


def test_a_stop_ends_every_service_well_within_its_grace(up: Running) -> None:
    """This is the last test: afterwards nothing runs."""
    for name in ("worker", "api", "redis"):
        kill(up.pids[name], signal.SIGTERM)
    seconds = {name: up.stack.services[name].get("stop_grace_period", "10s") for name in up.pids}
    for name, grace in seconds.items():
        wait_until(
            lambda name=name: state(up.pids[name]) in ("Z", None), float(grace[:-1]), f"the end of {name}"
        )


def status(url: str) -> int:
    """Return the status of the response; 0 while nothing responds."""
    try:
        return httpx.get(url, timeout=10).status_code
    except httpx.HTTPError:
        return 0


def state(pid: int) -> str | None:
    """Return the state of a process as Linux shows it; Z: it has ended."""
    try:
        return re.findall(r"^State:\s+(\w)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[0]
    except FileNotFoundError:
        return None
