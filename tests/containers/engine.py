"""Podman with images, containers and networks of its own, apart from those of the machine."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

from tests.system.programs import program

CONTAINERS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{folder}/tmp"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""
STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/images"
runroot = "{folder}/run"
"""
STATIC_PROGRAM = Path("/usr/bin/catatonit")  # the init that Debian's podman brings
NO_SYSTEMD = (
    "unable to get systemd connection"  # podman's timers of health checks; these tests run the checks
)


class Engine:
    """Runs podman; `environment` leads every program that calls podman to the same images."""

    def __init__(self, folder: Path) -> None:
        self._podman = program("podman", "podman")
        self.folder = folder
        self.environment = dict(os.environ)
        for name, text in (("CONTAINERS_CONF", CONTAINERS), ("CONTAINERS_STORAGE_CONF", STORAGE)):
            path = folder / f"{name.lower()}.conf"
            path.write_text(text.format(folder=folder))
            self.environment[name] = str(path)

    def podman(self, *arguments: str, seconds: float = 120, check: bool = True) -> str:
        """Run podman; return what it prints.

        Raises:
            AssertionError: it failed; with its own words.
        """
        done = subprocess.run(
            [self._podman, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        words = "\n".join(line for line in done.stderr.splitlines() if NO_SYSTEMD not in line)
        assert not check or done.returncode == 0, f"podman {' '.join(arguments)}: {done.stdout}{words}"
        return done.stdout.strip()

    def succeeds(self, *arguments: str, seconds: float = 60) -> bool:
        done = subprocess.run(
            [self._podman, *arguments],
            env=self.environment,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        return done.returncode == 0

    def import_folder(self, folder: Path, image: str) -> None:
        with subprocess.Popen(["tar", "-C", str(folder), "-c", "."], stdout=subprocess.PIPE) as tar:
            command = [self._podman, "import", "--quiet", "-", image]
            subprocess.run(command, env=self.environment, stdin=tar.stdout, capture_output=True, check=True)

    def trouble(self) -> str | None:
        """Return why this machine runs no containers, or None if one runs."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(STATIC_PROGRAM, "init")
        imported = self._run("import", "--quiet", "-", "localhost/probe", data=archive.getvalue())
        if imported.returncode == 0:
            imported = self._run("run", "--rm", "--network", "none", "localhost/probe", "/init", "--version")
        return None if imported.returncode == 0 else imported.stderr.decode().strip()[-300:]

    def _run(self, *arguments: str, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self._podman, *arguments],
            env=self.environment,
            input=data,
            capture_output=True,
            timeout=60,
            check=False,
        )

    def clear(self) -> None:
        """Remove everything that this engine made, and end its containers."""
        self.podman("rm", "--all", "--force", "--time", "5", check=False)
        self.podman("system", "reset", "--force", seconds=300, check=False)
        # podman mounts this folder on itself
        subprocess.run(["umount", "--lazy", self.folder / "images/overlay"], capture_output=True, check=False)
