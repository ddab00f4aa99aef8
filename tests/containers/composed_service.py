"""docker-compose.yml, run by podman-compose.

Without systemd podman runs no health checks, so this class runs them, and starts services in the order of
`depends_on`, as Docker Compose does. It makes the network `outside` itself, because podman has no option that
keeps a network's containers apart. Ports open on an address of the loopback interface of their own.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import yaml

from tests.containers.engine import Engine
from tests.stacks.compose_files import ROOT
from tests.stacks.compose_stack import BIN
from tests.stacks.servers import wait_until

PROJECT = "stylequeue-test"
ADDRESS = "127.0.0.8"
CHANGES = {
    "BIND_ADDRESS": ADDRESS,
    "STYLEQUEUE_S3_PUBLIC_ENDPOINT_URL": f"http://{ADDRESS}:9000",
    "STYLEQUEUE_MODEL": "embedded",
    "STYLEQUEUE_LEASE_SECONDS": "10",  # so that a killed worker's jobs soon run elsewhere
}
HEALTH_SECONDS = 240


class ComposedService:
    """The compose file with an operator's .env; starts nothing by itself."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._env_file = folder / ".env"
        made = subprocess.run(
            ["sh", str(ROOT / "deploy/new-env.sh")], capture_output=True, text=True, check=True
        )
        lines = [line for line in made.stdout.splitlines() if line.partition("=")[0] not in CHANGES]
        self._env_file.write_text(
            "\n".join([*lines, *(f"{name}={value}" for name, value in CHANGES.items())])
        )
        self._services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))[
            "services"
        ]
        self.url, self.key = f"http://{ADDRESS}:8080", ""
        self._begun: dict[str, float] = {}
        self.seconds: dict[str, float] = {}  # from `up` to health, or to the end of a service that runs once

    def compose(self, *arguments: str, seconds: float = 180) -> str:
        """Run podman-compose; return what it prints."""
        files = ["--env-file", str(self._env_file), "--file", str(ROOT / "docker-compose.yml")]
        done = subprocess.run(
            [str(BIN / "podman-compose"), *files, "--project-name", PROJECT, *arguments],
            env=self._engine.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, (
            f"podman-compose {' '.join(arguments)}: {done.stdout}{done.stderr[-3000:]}"
        )
        return done.stdout.strip()

    def start(self, service: str, scale: int = 1) -> None:
        """Do as `docker compose up --detach --scale SERVICE=N SERVICE`, and wait for its health."""
        for needed, how in self._services[service].get("depends_on", {}).items():
            if self._services[needed].get("profiles") or self._fulfils(needed, how["condition"]):
                continue
            self.start(needed)
            self._wait(needed, how["condition"])
        if service == "worker" and not self._engine.succeeds("network", "exists", f"{PROJECT}_outside"):
            self._engine.podman("network", "create", f"{PROJECT}_outside")
        self._begun[service] = time.monotonic()
        options = ["--detach", "--no-build", "--no-deps", "--no-recreate", "--scale", f"{service}={scale}"]
        self.compose("up", *options, service)

    def wait_for_health(self, service: str, scale: int = 1) -> None:
        for number in range(1, scale + 1):
            name = container(service, number)
            wait_until(lambda name=name: self.is_healthy(name), HEALTH_SECONDS, f"the health of {name}")
        self.seconds.setdefault(f"{scale} {service}", time.monotonic() - self._begun[service])

    def is_healthy(self, name: str) -> bool:
        """Run the container's own health check."""
        return self._engine.succeeds("healthcheck", "run", name)

    def operator(self, *command: str) -> str:
        """Do as `docker compose run --rm operator COMMAND`."""
        for needed, how in self._services["operator"]["depends_on"].items():
            self.start(needed)
            self._wait(needed, how["condition"])
        return self.compose("--profile", "operator", "run", "-T", "--rm", "--no-deps", "operator", *command)

    def containers(self) -> list[str]:
        return self._engine.podman("ps", "--format", "{{.Names}}").split()

    def remove(self, name: str) -> None:
        """Stop a container within its grace, and remove it."""
        self._engine.podman("stop", "--time", "60", name)
        self._engine.podman("rm", name)

    def down(self) -> None:
        """Do as `docker compose down`, which keeps volumes. podman-compose forgets what --scale has added."""
        for name in self.containers():
            if name.rpartition("_")[2] != "1":
                self.remove(name)
        self.compose("down")

    def _fulfils(self, service: str, condition: str) -> bool:
        name = container(service)
        if not self._engine.succeeds("container", "exists", name):
            return False
        if condition == "service_healthy":
            return self.is_healthy(name)
        state = self._engine.podman("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", name)
        return state == "exited 0"

    def _wait(self, service: str, condition: str) -> None:
        wait_until(lambda: self._fulfils(service, condition), HEALTH_SECONDS, f"{service}: {condition}")
        self.seconds.setdefault(service, time.monotonic() - self._begun[service])


def container(service: str, number: int = 1) -> str:
    return f"{PROJECT}_{service}_{number}"
