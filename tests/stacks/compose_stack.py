"""The services of docker-compose.yml without Docker: each by its own command and environment.

These are changed, and nothing else:

- names and ports: `redis:6379`, `seaweedfs:9000` and every port become free ports of 127.0.0.1;
- folders: a volume of the container is a folder of the test;
- the image: its CMD, ENV and HEALTHCHECK are read from the Dockerfile, its programs are the installed ones;
- a published port: a proxy on another port passes on to S3;
- Redis 6, if the machine has no later one, gets permission to read and write where the file says to read.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.redis_server import redis_program
from tests.faults.wires.tcp_proxy import TcpProxy
from tests.stacks.compose_files import (
    ROOT,
    compose,
    dockerfile_targets,
    operators_environment,
    service_environment,
)
from tests.stacks.ports import free_port
from tests.stacks.seaweedfs import free_ports, options
from tests.stacks.servers import running

CONTAINER_PATHS = ("/cache", "/var/spool/stylequeue", "/dev/shm", "/data")
BIN = Path(sys.executable).parent
PATH = f"{BIN}:{redis_program().parent}:/usr/bin:/bin"
REDIS = shutil.which("redis-server", path=PATH) or redis_program()
VERSION = subprocess.run([REDIS, "--version"], capture_output=True, text=True, check=True).stdout
REDIS_IS_OLD = " v=6." in VERSION


class ComposeStack:
    """docker-compose.yml with an operator's .env; starts nothing by itself."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self.env = operators_environment(**env)
        self.services: dict[str, Any] = compose(self.env)["services"]
        self.s3_port, self.public_s3_port = free_port(), free_port()
        self.redis_port, self.api_port = free_port(), free_port()
        self.metrics_port = free_port()
        for path in CONTAINER_PATHS:
            self.path(path).mkdir(parents=True, exist_ok=True)

    def path(self, container_path: str) -> Path:
        return self.folder / container_path.strip("/")

    def command(self, name: str) -> list[str]:
        """Return what the container runs: the service's command, or else its image's."""
        service = self.services[name]
        words = [*_words(service.get("entrypoint")), *_words(service.get("command"))]
        return [self.here(word) for word in words or self._target(name).command]

    def environment(self, name: str) -> dict[str, str]:
        """Return the image's and the service's variables, and none of this process."""
        built = self._target(name).environment if "build" in self.services[name] else {}
        given = built | service_environment(self.services[name], self.env)
        given |= {"PATH": PATH, "HOME": str(self.folder)}
        return {key: value if key == "PATH" else self.here(value) for key, value in given.items()}

    def run(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Do as `docker compose run --rm NAME COMMAND`."""
        return subprocess.run(
            command or self.command(name),
            cwd=self.folder,
            env=self.environment(name),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @contextmanager
    def started(self, name: str) -> Iterator[int]:
        """Do as `docker compose up NAME`; yield the process id."""
        with running(
            self.command(name), self.log(name), self.environment(name), cwd=self.path("/data")
        ) as pid:
            yield pid

    @contextmanager
    def started_s3(self) -> Iterator[None]:
        """Run SeaweedFS on the port of the network, and publish it on another."""
        ports = free_ports() | {"s3.port": self.s3_port}
        command = [*self.command("seaweedfs"), f"-dir={self.path('/data')}", *options(ports)]
        environment = self.environment("seaweedfs") | {"TMPDIR": str(self.folder)}
        published = TcpProxy(self.s3_port, port=self.public_s3_port)
        try:
            with running(command, self.log("s3"), environment, self.path("/data"), patience_seconds=0):
                yield
        finally:
            published.close()

    def is_healthy(self, name: str) -> bool:
        """Return the result of the service's own health check."""
        words = self.services[name].get("healthcheck", {}).get("test") or self._target(name).health_check
        if words[0] == "CMD-SHELL":
            words = ["sh", "-c", words[1]]
        return self.run(name, *[self.here(word) for word in words if word != "CMD"]).returncode == 0

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def here(self, text: str) -> str:
        """Return `text` with this machine's ports and folders."""
        ports = {
            r"\bredis:6379\b": f"127.0.0.1:{self.redis_port}",
            r"\bport 6379\b": f"bind 127.0.0.1\nport {self.redis_port}",
            r"-p 6379\b": f"-p {self.redis_port}",
            r"\bseaweedfs:9000\b": f"127.0.0.1:{self.s3_port}",
            r"\b127\.0\.0\.1:9000\b": f"127.0.0.1:{self.public_s3_port}",
            r"^/setup/": f"{ROOT}/deploy/storage/",
            r"(0\.0\.0\.0|127\.0\.0\.1):8080\b": rf"\1:{self.api_port}",
            r"^9464$": str(self.metrics_port),
        }
        for pattern, value in ports.items():
            text = re.sub(pattern, value, text)
        if REDIS_IS_OLD:
            text = text.replace("%R~", "~")
        for path in CONTAINER_PATHS:
            text = re.sub(rf"(^|=){path}(?=/|$)", rf"\g<1>{self.path(path)}", text)
        return text

    def _target(self, name: str) -> Any:
        return dockerfile_targets()[self.services[name]["build"]["target"]]


def _words(command: str | Sequence[str] | None) -> list[str]:
    return shlex.split(command) if isinstance(command, str) else list(command or ())
