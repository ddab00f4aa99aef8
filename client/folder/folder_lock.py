"""One command at a time writes into a folder; its lock is the system's own and ends with the process."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import click

from client.errors import CannotWrite, FolderInUse

FILE_NAME = ".stylequeue.lock"
SIGNING_SECONDS = 1.0  # that a command may take to write its id into a file that it has just locked

if sys.platform == "win32":
    import msvcrt

    LOCKED_BYTE = 1000  # behind the text, which others read

    def _lock(file: BinaryIO) -> None:
        file.seek(LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def only_command_in(folder: Path) -> Iterator[None]:
    """Keep other commands out of the folder while the block runs. The folder is made if it is missing.

    Raises:
        FolderInUse: another command is in it.
        CannotWrite: the folder can be neither made nor written into.
    """
    try:
        is_new = not folder.exists()
        file = _locked_file(folder)
    except OSError as error:
        raise CannotWrite(folder, error) from error
    with file:
        try:
            _sign(file)
            yield
        finally:
            _tidy(folder, is_new=is_new)  # before the lock ends, so that nobody else's file is removed


def _locked_file(folder: Path) -> BinaryIO:
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE_NAME
        with suppress(FileNotFoundError):  # another command has just ended and tidied up
            file = path.open("a+b", buffering=0)
            _lock_or_refuse(file, folder)
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
            file.close()


def _lock_or_refuse(file: BinaryIO, folder: Path) -> None:
    try:
        _lock(file)
    except (BlockingIOError, PermissionError):  # Windows says EACCES
        with file:
            raise FolderInUse(folder, _holder(file)) from None
    except OSError:
        click.echo(f"{folder} is on a file system without locks: run no second command into it.", err=True)


def _sign(file: BinaryIO) -> None:
    with suppress(OSError):  # a full disk; the lock holds all the same
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())


def _holder(file: BinaryIO) -> str:
    """Return how the process that holds the lock signed; empty if it could not."""
    deadline = time.monotonic() + SIGNING_SECONDS
    while True:
        file.seek(0)
        signature = file.read().decode()
        if signature or time.monotonic() > deadline:
            return signature
        time.sleep(SIGNING_SECONDS / 20)


def _tidy(folder: Path, *, is_new: bool) -> None:
    with suppress(OSError):
        (folder / FILE_NAME).unlink()
        if is_new:
            folder.rmdir()  # if nothing came into it
