"""A release has the version of its tag, and two builds of it are equal byte for byte."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.stacks.fresh_environment import ENVIRONMENT, ROOT, run

HATCHLING = (sys.executable, "-m", "hatchling")
GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    run(*HATCHLING, "build", "--target", "sdist", "--directory", folder)
    (made,) = folder.iterdir()
    return made


@pytest.fixture
def copy(archive: Path, tmp_path: Path) -> Path:
    return copied(archive, tmp_path / "copy")


def copied(archive: Path, folder: Path) -> Path:
    """Return a copy of what the repository holds, without git."""
    shutil.unpack_archive(archive, folder, filter="data")
    (unpacked,) = folder.iterdir()
    (unpacked / "PKG-INFO").unlink()  # which has the version
    return unpacked


def version(folder: Path, **environment: str) -> str:
    return run(*HATCHLING, "version", cwd=folder, **environment).strip()


def built(folder: Path, **environment: str) -> dict[str, str]:
    """Return the digest of each file of a release of the service."""
    run(*HATCHLING, "build", "--directory", folder / "dist", cwd=folder, **environment)
    return {file.name: sha256(file.read_bytes()).hexdigest() for file in (folder / "dist").iterdir()}


def test_the_version_is_the_tags_and_counts_the_commits_after_it(copy: Path) -> None:
    assert version(copy) == "0.0.0"
    assert version(copy, SETUPTOOLS_SCM_PRETEND_VERSION="1.2.3") == "1.2.3"  # as in the Dockerfile
    run(*GIT, "init", "--quiet", cwd=copy)
    commit(copy)
    assert version(copy) == "0.0.1.dev1"
    run(*GIT, "tag", "v0.1.0", cwd=copy)
    assert version(copy) == "0.1.0"
    (copy / "README.md").write_text("changed\n")
    commit(copy)
    assert version(copy) == "0.1.1.dev1"


def commit(folder: Path) -> None:
    run(*GIT, "add", ".", cwd=folder)
    run(*GIT, "commit", "--quiet", "--message", "a change", cwd=folder)


def test_two_builds_are_equal_byte_for_byte(copy: Path, archive: Path, tmp_path: Path) -> None:
    """The second copy lies elsewhere, with other times and rights of its files, in another time zone."""
    fixed = {"SOURCE_DATE_EPOCH": "1780000000", "SETUPTOOLS_SCM_PRETEND_VERSION": "0.1.0"}
    other = copied(archive, tmp_path / "other" / "place")
    for path in other.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        if path.is_file():
            path.chmod(path.stat().st_mode & 0o700 | 0o600)
    first, second = built(copy, **fixed, TZ="UTC"), built(other, **fixed, TZ="Asia/Tokyo")
    assert first == second
    assert first.keys() == {"stylequeue-0.1.0.tar.gz", "stylequeue-0.1.0-py3-none-any.whl"}


def test_the_wheel_of_the_source_archive_is_the_wheel(copy: Path, tmp_path: Path) -> None:
    fixed = {"SOURCE_DATE_EPOCH": "1780000000"}
    digests = built(copy, **fixed, SETUPTOOLS_SCM_PRETEND_VERSION="0.1.0")
    shutil.unpack_archive(copy / "dist/stylequeue-0.1.0.tar.gz", tmp_path, filter="data")
    unpacked = tmp_path / "stylequeue-0.1.0"
    assert version(unpacked) == "0.1.0"  # of its PKG-INFO: there is no git
    again = built(unpacked, **fixed)
    assert again["stylequeue-0.1.0-py3-none-any.whl"] == digests["stylequeue-0.1.0-py3-none-any.whl"]


def test_make_passes_version_and_commit_to_the_images() -> None:
    """Docker is not needed to see the commands; the Dockerfile declares both arguments."""
    make = [
        "make",
        "--no-print-directory",
        "-n",
        "-o",
        "install",
        "images",
        "VERSION=1.2.3",
        "REVISION=abc",
        "REGISTRY=r/",
    ]
    commands = subprocess.run(
        make, cwd=ROOT, env=dict(ENVIRONMENT), check=True, stdout=subprocess.PIPE, text=True
    )
    assert "--build-arg VERSION=1.2.3 --build-arg REVISION=abc" in commands.stdout
    assert "--tag r/stylequeue-$image:1.2.3" in commands.stdout
    stages = (ROOT / "Dockerfile").read_text("utf-8").split("\nFROM ")
    published = [
        stage
        for stage in stages
        if stage.splitlines()[0].endswith((" AS api", " AS worker", " AS worker-gpu"))
    ]
    assert len(published) == 3
    for stage in published:
        assert "\nARG VERSION REVISION\n" in stage
        assert 'org.opencontainers.image.version="$VERSION"' in stage
        assert 'org.opencontainers.image.revision="$REVISION"' in stage
