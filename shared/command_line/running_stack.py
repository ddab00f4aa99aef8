"""The local stack that `stylequeue up` runs in this folder, for commands that nobody told of a service."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from stat import S_IMODE
from typing import Self

from shared.settings import PREFIX, Settings, settings_or_exit

FOLDER = Path(".stylequeue")  # the default of `stylequeue up --data-dir`
FILE = "running.json"
LOCK = "programs.lock"  # held while a program of the stack runs (local/data_folder.py)
WHERE = (f"{PREFIX}REDIS_URL", f"{PREFIX}S3_ENDPOINT_URL")  # variables that lead to a service


@dataclass(frozen=True)
class RunningStack:
    """The API's URL and the settings of a stack that runs."""

    api_url: str
    environment: Mapping[str, str] = field(repr=False)  # it has passwords; only what is not the default

    @classmethod
    def of(cls, api_url: str, settings: Settings) -> Self:
        usual, given = Settings().to_environment(), settings.to_environment()
        told = {name: text for name, text in given.items() if name in WHERE or usual.get(name) != text}
        return cls(api_url, told)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Return whether no variable leads elsewhere. A stack is taken as a whole: never its S3 with another
        Redis.
        """
        given = {name: environment[name] for name in WHERE if environment.get(name)}
        return all(self.environment.get(name) == value for name, value in given.items())


def running_stack(folder: Path = FOLDER) -> RunningStack | None:
    """Return the stack that runs in the folder, or None. A file that others could have written is ignored."""
    file = folder / FILE
    try:
        status = file.lstat()
        if status.st_uid != os.getuid() or S_IMODE(status.st_mode) & 0o077 or not _is_alive(folder):
            return None
        return RunningStack(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def operator_settings() -> Settings:
    """Return the settings for a command of an operator: the environment's, and where that names no service
    those of the stack that runs here. A malformed setting ends the process with a sentence.
    """
    stack = running_stack()
    if stack is None or not stack.serves(os.environ):
        return settings_or_exit()
    sys.stderr.write(f"stylequeue: the service is the local stack in {FOLDER}\n")
    given = {name: value for name, value in os.environ.items() if value}
    return settings_or_exit({**stack.environment, **given})


def _is_alive(folder: Path) -> bool:
    """The kernel frees a lock when its last holder ends, however it ends."""
    import fcntl  # noqa: PLC0415 - not on Windows, where no stack runs

    with (folder / LOCK).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
