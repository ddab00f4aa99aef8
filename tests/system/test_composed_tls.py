"""docker-compose.tls.yml: Redis by its own command and options, with certificates that the script makes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import QueueRefused
from shared.settings import Settings
from shared.store.redis.fitness import refuse_unfit_redis
from tests.stacks.compose_files import ROOT, compose, operators_environment, service_environment
from tests.stacks.ports import free_port
from tests.stacks.servers import running, wait_until
from tests.system.hosts.tls_redis import redis_program

START_SECONDS = 30
ENV = operators_environment(
    STYLEQUEUE_REDIS_URL="rediss://stylequeue-api:${REDIS_API_PASSWORD}@redis:6379/0",
    WORKER_REDIS_URL="rediss://stylequeue-worker:${REDIS_WORKER_PASSWORD}@redis:6379/0",
    OPERATOR_REDIS_URL="rediss://stylequeue:${REDIS_OPERATOR_PASSWORD}@redis:6379/0",
)


class Tls:
    """Redis with TLS on this machine, and the URLs of the services as they lead to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.files = compose(ENV, "docker-compose.yml"), compose(ENV, "docker-compose.tls.yml")
        script = ROOT / "deploy/tls/new-certificates.sh"
        subprocess.run(["sh", str(script), str(folder)], check=True, capture_output=True)

    def environment(self, name: str) -> dict[str, str]:
        given: dict[str, str] = {}
        for file in self.files:
            given |= service_environment(file["services"][name], ENV)
        return {key: self.here(text) for key, text in given.items()}

    def here(self, text: str) -> str:
        text = text.replace("/tls/", f"{self.folder}/").replace("@redis:6379", f"@127.0.0.1:{self.port}")
        return text.replace("--tls-port 6379", f"--bind 127.0.0.1 --tls-port {self.port}")

    def check(self, name: str) -> None:
        url = self.environment(name)["STYLEQUEUE_REDIS_URL"]
        refuse_unfit_redis(Settings(redis_url=url))

    def is_healthy(self) -> bool:
        words = self.here(self.files[1]["services"]["redis"]["healthcheck"]["test"][1])
        words = words.replace("-p 6379", f"-p {self.port}")
        environment = self.environment("redis") | {"PATH": f"{redis_program().parent}:/usr/bin:/bin"}
        return subprocess.run(["sh", "-c", words], env=environment, check=False).returncode == 0


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tls]:
    found = Tls(tmp_path_factory.mktemp("tls"))
    command = found.files[0]["services"]["redis"]["command"]
    environment = found.environment("redis") | {"PATH": f"{redis_program().parent}:/usr/bin:/bin"}
    log = found.folder / "redis.log"
    with running(["sh", "-c", *command], log, environment, cwd=found.folder):
        wait_until(found.is_healthy, START_SECONDS, "Redis' health")
        yield found


@pytest.mark.parametrize("name", ["api", "worker", "worker-gpu", "worker-optimize", "operator"])
def test_each_service_trusts_redis_and_gets_in_as_its_own_user(tls: Tls, name: str) -> None:
    assert tls.environment(name)["STYLEQUEUE_REDIS_URL"].startswith("rediss://stylequeue")
    tls.check(name)


def test_a_client_that_does_not_know_the_authority_sends_no_password(tls: Tls) -> None:
    url = tls.environment("api")["STYLEQUEUE_REDIS_URL"].partition("?")[0]
    with pytest.raises(QueueRefused, match="certificate is not trusted"):
        refuse_unfit_redis(Settings(redis_url=url))


def test_the_key_is_not_for_others_where_it_can_be_given_to_redis(tls: Tls) -> None:
    status = (tls.folder / "redis.key").stat()
    assert (status.st_uid, status.st_mode & 0o777) == (999, 0o600)  # this tier runs as root
    assert not list(tls.folder.glob("authority.key"))
