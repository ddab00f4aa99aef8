"""The folder of a local stack: Redis' data, objects, secrets and logs."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from shared.command_line.running_stack import FILE, LOCK, RunningStack
from worker.supervision.errors import StackError

LEFTOVER_SECONDS = 15  # for the programs of a killed stack to end
POLL_SECONDS = 0.1
SECRET_BYTES = 24
LOCKS = ("stack.lock", LOCK)


def _secret() -> str:
    return secrets.token_hex(SECRET_BYTES)


@dataclass(frozen=True)
class Credentials:
    """Passwords that are random for each data folder, to keep other local users and programs out."""

    redis_password: str = field(default_factory=_secret, repr=False)
    s3_access_key: str = field(default_factory=_secret, repr=False)
    s3_secret_key: str = field(default_factory=_secret, repr=False)


class DataFolder:
    """The layout, the locks and the secrets of the folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self.redis = self.root / "redis"
        self.objects = self.root / "objects"
        self.s3 = self.root / "s3"
        self.logs = self.root / "logs"

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Create the folders and lock them for one stack.

        There are two locks. `stack.lock` belongs to the stack's own process. Every program of the stack
        inherits `programs.lock`, whose descriptor is yielded, so it is held until the last program ends, and
        a new stack never meets the Redis of a killed one.

        Raises:
            StackError: another stack holds the folder, or it cannot be written.
        """
        with ExitStack() as files:
            try:
                self._make_folders()
                own, inherited = (files.enter_context(_opened(self.root / name)) for name in LOCKS)
            except OSError as error:
                raise StackError(f"The data folder {self.root} cannot be used: {error.strerror}") from error
            self._acquire(own, inherited)
            yield inherited

    def _make_folders(self) -> None:
        for folder in (self.root, self.redis, self.objects, self.s3, self.logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _acquire(self, own: int, inherited: int) -> None:
        if not _try_lock(own):
            raise StackError(f"The data folder {self.root} is in use by another stack")
        give_up_at = time.monotonic() + LEFTOVER_SECONDS
        while not _try_lock(inherited):
            if time.monotonic() > give_up_at:
                raise StackError(f"Programs of an earlier stack still run in the data folder {self.root}")
            time.sleep(POLL_SECONDS)

    def credentials(self) -> Credentials:
        """Return the credentials, created on the first call. Call it with the lock held."""
        file = self.root / "credentials.json"
        if not file.exists():
            write_private(file, json.dumps(asdict(Credentials()), indent=1))
        return Credentials(**json.loads(file.read_text()))

    @contextmanager
    def announced(self, stack: RunningStack) -> Iterator[None]:
        """Let commands in other terminals find the stack while the block runs."""
        file = self.root / FILE
        write_private(file, stack.to_json())
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read; it appears complete or not at all."""
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    draft.replace(file)


@contextmanager
def _opened(file: Path) -> Iterator[int]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
