"""SeaweedFS, the S3 server of docker-compose.yml, started by the script that its container runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.settings import Settings
from tests.stacks.compose_files import ROOT
from tests.stacks.ports import free_port
from tests.stacks.servers import running, s3_settings, wait_for_s3

SCRIPT = ROOT / "deploy/storage/seaweedfs.sh"
PARTS = ("master", "volume", "filer", "s3")
ROLES = ("root", "api", "worker")


def free_ports() -> dict[str, int]:
    """Return a free port for each option that sets one, so that several servers run on one machine."""
    return {f"{part}.{port}": free_port() for part in PARTS for port in ("port", "port.grpc")}


def options(ports: dict[str, int]) -> list[str]:
    return [f"-{name}={port}" for name, port in ports.items()]


@contextmanager
def running_seaweedfs(
    folder: Path, bucket: str = "stylequeue", ports: dict[str, int] | None = None
) -> Iterator[dict[str, Settings]]:
    """Run it on an empty folder; yield settings for the administrator, the API and the workers."""
    ports = ports or free_ports()
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "TMPDIR": str(folder)}
    environment |= {"BUCKET": bucket, "S3_ROOT_USER": "root", "S3_ROOT_PASSWORD": "root-secret"}
    for role in ROLES[1:]:
        environment |= {f"{role.upper()}_USER": role, f"{role.upper()}_PASSWORD": f"{role}-secret"}
    command = ["sh", str(SCRIPT), f"-dir={folder}", *options(ports)]
    settings = {
        role: s3_settings(f"http://127.0.0.1:{ports['s3.port']}", role, f"{role}-secret").model_copy(
            update={"s3_bucket": bucket}
        )
        for role in ROLES
    }
    with running(command, folder / "seaweedfs.log", environment, folder, patience_seconds=0):
        wait_for_s3(settings["root"])
        yield settings
