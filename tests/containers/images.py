"""The images of docker-compose.yml, built here, where no registry of images can be reached.

- The base image is Debian by debootstrap with this machine's Python in /usr/local, as in Docker's own.
- `api` and `worker` are built from the Dockerfile without a network: pip takes wheels that this machine has
  downloaded, and checks their digests as always.
- Redis comes from Debian's package, SeaweedFS from the package on PyPI.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.containers.engine import Engine
from tests.stacks.compose_files import ROOT, compose, operators_environment
from tests.system.programs import program

LIBRARIES = (
    "libssl3,libffi8,libsqlite3-0,libreadline8,libbz2-1.0,liblzma5,zlib1g,libexpat1,libuuid1,libncursesw6"
)
LEFT_OUT = ("*/site-packages", "__pycache__", "*/test", "*/tests", "*/idlelib", "*/config-3*", "*.a")
RELEASE = {"VERSION": "1.2.3", "REVISION": "0123abc"}  # as `make images` passes them
PIP = "[global]\nno-index = true\nfind-links = /wheelhouse\n"
PROGRAMS = """\
FROM {base} AS debian
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server wget

FROM debian AS redis
RUN install -d -o redis -g redis /data
WORKDIR /data

FROM debian AS seaweedfs
RUN useradd --uid 1000 seaweed && install -d -o seaweed -g seaweed /data
COPY weed /usr/bin/weed
WORKDIR /data
"""


class Images:
    """Builds them; `seconds` says how long each step took."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._folder = engine.folder
        self.seconds: dict[str, float] = {}
        services = compose(operators_environment())["services"]
        self.names = {name: _full(str(services[name]["image"])) for name in ("redis", "seaweedfs")}
        self.names |= {name: _full(str(services[name]["image"])) for name in ("api", "worker")}
        (self.base,) = set(
            re.findall(r"^FROM (\S+:\S+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
        )

    def build_all(self) -> None:
        with self._timed("base image"):
            self._build_base()
        with self._timed("wheels"):
            self._download_wheels()
        with self._timed("redis, seaweedfs"):
            self._build_programs()
        for name in ("api", "worker"):
            with self._timed(name):
                self._build_ours(name)

    def _build_base(self) -> None:
        root = self._folder / "base"
        mirror = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()[0]
        (release,) = re.findall(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.MULTILINE)
        command = [
            program("debootstrap", "debootstrap"),
            "--variant=minbase",
            f"--include=ca-certificates,{LIBRARIES}",
        ]
        _quietly([*command, release, str(root), mirror], self._folder / "debootstrap.log")
        _copy_python(root / "usr/local")
        subprocess.run(["chroot", str(root), "ldconfig"], check=True)
        for waste in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale"):
            shutil.rmtree(root / waste)
        (root / "var/lib/apt/lists").mkdir()
        self._engine.import_folder(root, _full(self.base))
        shutil.rmtree(root)

    def _download_wheels(self) -> None:
        files = [
            word
            for name in ("api", "worker", "build")
            for word in ("-r", f"{ROOT}/deploy/requirements/{name}.txt")
        ]
        options = [
            "--no-deps",
            "--only-binary",
            ":all:",
            "--require-hashes",
            "--dest",
            str(self._folder / "wheelhouse"),
        ]
        _quietly([sys.executable, "-m", "pip", "download", *options, *files], self._folder / "wheels.log")
        (self._folder / "pip.conf").write_text(PIP)

    def _build_programs(self) -> None:
        context = self._folder / "programs"
        context.mkdir()
        (context / "Dockerfile").write_text(PROGRAMS.format(base=_full(self.base)))
        shutil.copy(Path(sys.executable).parent / "weed", context)
        for name in ("redis", "seaweedfs"):
            self._build(name, context, "--network", "host")

    def _build_ours(self, name: str) -> None:
        mounts = [("wheelhouse", "/wheelhouse"), ("pip.conf", "/etc/pip.conf")]
        volumes = [f"--volume={self._folder}/{source}:{target}:ro" for source, target in mounts]
        released = [f"--build-arg={argument}={value}" for argument, value in RELEASE.items()]
        self._build(name, ROOT, "--network", "none", *volumes, *released)

    def _build(self, name: str, context: Path, *options: str) -> None:
        usual = ["--quiet", "--format", "docker", "--layers=false", "--pull=never"]
        tags = ["--target", name, "--tag", self.names[name]]
        self._engine.podman("build", *usual, *tags, *options, str(context), seconds=1200)

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.seconds[what] = time.monotonic() - begun


def _copy_python(target: Path) -> None:
    prefix, version = sys.base_prefix, f"python3.{sys.version_info.minor}"
    parts = [f"bin/{version}", "bin/python3", "bin/python", f"lib/{version}"]
    parts += [str(path.relative_to(prefix)) for path in Path(prefix, "lib").glob("libpython3*.so*")]
    excluded = [f"--exclude={pattern}" for pattern in LEFT_OUT]
    with subprocess.Popen(["tar", "-C", prefix, *excluded, "-c", *parts], stdout=subprocess.PIPE) as tar:
        subprocess.run(["tar", "-C", str(target), "-x"], stdin=tar.stdout, check=True)
    (target / "lib" / version / "site-packages").mkdir()


def _full(image: str) -> str:
    """Return the name with the registry that Docker adds."""
    if image.startswith("stylequeue-"):
        return f"localhost/{image}"
    return f"docker.io/{image}" if "/" in image else f"docker.io/library/{image}"


def _quietly(command: list[str], log: Path) -> None:
    with log.open("wb") as output:
        done = subprocess.run(command, stdout=output, stderr=output, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {log.read_text()[-2000:]}"
