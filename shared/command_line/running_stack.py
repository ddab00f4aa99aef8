"""The local stack that `stylequeue up` runs in this folder; commands use it when no service is named."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from stat import S_IMODE

FOLDER = Path(".stylequeue")  # the default of `stylequeue up --data-dir`
FILE = "running.json"
LOCK = "programs.lock"  # held while a program of the stack runs (local/data_folder.py)
WHERE = ("STYLEQUEUE_REDIS_URL", "STYLEQUEUE_S3_ENDPOINT_URL")  # variables that lead to a service


@dataclass(frozen=True)
class RunningStack:
    """The API's URL of a stack that runs, and the variables of its settings."""

    api_url: str
    environment: Mapping[str, str] = field(repr=False)  # it has passwords; only what is not the default

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Return whether no variable leads elsewhere: one stack's S3 must not serve another one's Redis."""
        given = {name: environment[name] for name in WHERE if environment.get(name)}
        return all(self.environment.get(name) == value for name, value in given.items())


def running_stack(folder: Path = FOLDER) -> RunningStack | None:
    """Return the stack that runs in the folder, or None. Ignore a file that others could have written."""
    file = folder / FILE
    try:
        status = file.lstat()
        if status.st_uid != os.getuid() or S_IMODE(status.st_mode) & 0o077 or not _is_alive(folder):
            return None
        return RunningStack(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _is_alive(folder: Path) -> bool:
    """Return whether a program of the stack holds the lock, which the kernel frees at its end."""
    import fcntl  # noqa: PLC0415 - not on Windows, where no stack runs

    with (folder / LOCK).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
