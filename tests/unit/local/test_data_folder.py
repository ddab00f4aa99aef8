"""The folder of a local stack: its locks and its credentials."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from local.data_folder import DataFolder
from worker.supervision.errors import StackError


def test_a_data_folder_serves_one_stack_at_a_time(tmp_path: Path) -> None:
    refused = pytest.raises(StackError, match=r"^The data folder .* is in use by another stack$")
    with DataFolder(tmp_path).locked(), refused:
        DataFolder(tmp_path).locked().__enter__()
    with DataFolder(tmp_path).locked():
        pass


def test_a_new_stack_waits_until_the_programs_of_a_killed_one_are_gone(tmp_path: Path) -> None:
    with DataFolder(tmp_path).locked() as lock:
        program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"], pass_fds=(lock,))
    with program, DataFolder(tmp_path).locked():
        assert program.wait(0.5) == 0


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match=r"cannot be used: Not a directory$"):
        DataFolder(tmp_path / "file" / "data").locked().__enter__()


def test_credentials_are_made_once_and_private(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    with data.locked():
        credentials = data.credentials()
        assert data.credentials() == credentials
    assert (data.root / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert credentials.s3_secret_key not in repr(credentials)
    other = DataFolder(tmp_path / "other")
    with other.locked():
        assert other.credentials() != credentials
