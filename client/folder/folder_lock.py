"""A lock that lets one command at a time write into a folder. The system ends it with the process."""

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
SIGNING_SECONDS = 1.0  # time for a command to write its process id into the lock file

if sys.platform == "win32":
    import msvcrt

    LOCKED_BYTE = 1000  # behind the text, which other processes read

    def _lock(file: BinaryIO) -> None:
        file.seek(LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def only_command_in(folder: Path) -> Iterator[None]:
    """Keep other commands out of the folder while the block runs. Make the folder if it is missing.

    Raises:
        FolderInUse: another command is writing into it.
        CannotWrite: the folder cannot be made, or not be written into.
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
            _tidy(folder, is_new=is_new)  # while the lock holds, so that no other command's file is removed


def _locked_file(folder: Path) -> BinaryIO:
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE_NAME
        with suppress(FileNotFoundError):  # another command has just ended and removed the file
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
        click.echo(f"{folder} has no file locks: run only one command at a time into it.", err=True)


def _sign(file: BinaryIO) -> None:
    with suppress(OSError):  # a full disk; the lock holds nevertheless
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())


def _holder(file: BinaryIO) -> str:
    """Return the text of the process that holds the lock; empty if it could not write."""
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
            folder.rmdir()  # fails if the folder is not empty
