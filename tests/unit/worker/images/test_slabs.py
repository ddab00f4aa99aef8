from __future__ import annotations

import gc
import mmap
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from worker.images.slabs import KEPT_BYTES, Slab, Slabs, read_picture, slab_of, write_picture

PIXELS = 4_000_000


def mapped_slabs() -> int:
    return Path("/proc/self/maps").read_text().count("stylequeue-picture")


def written_bytes(slab: Slab) -> int:
    return os.fstat(slab.file).st_blocks * 512


def test_a_picture_is_read_and_written_by_its_descriptor() -> None:
    slabs = Slabs(PIXELS)
    picture = slabs.picture(slabs.take(), 3, 5)
    slab = slab_of(picture)
    assert slab
    sent = np.arange(45, dtype=np.uint8).reshape(3, 5, 3)
    write_picture(slab.file, sent)
    assert (picture == sent).all()
    write_picture(slab.file, sent + 1)
    assert (read_picture(slab.file, 3, 5) == sent + 1).all()


def test_a_slab_is_used_again_when_the_last_view_of_its_picture_is_gone() -> None:
    slabs = Slabs(PIXELS)
    first = slabs.held(np.full((10, 10, 3), 1, np.uint8))[0]
    view, slab = first[5:, :2], slab_of(first)
    del first
    second = slabs.held(np.full((10, 10, 3), 2, np.uint8))[0]
    assert slab_of(second) is not slab
    assert (view == 1).all()
    del view
    assert slab_of(slabs.held(np.zeros((1, 1, 3), np.uint8))[0]) is slab


def test_only_a_picture_that_begins_its_slab_can_be_sent_by_it() -> None:
    slabs = Slabs(PIXELS)
    picture = slabs.held(np.zeros((10, 10, 3), np.uint8))[0]
    assert slab_of(picture[:5])
    assert slab_of(picture[5:]) is None
    assert slab_of(picture[:, :5]) is None
    assert slab_of(picture.copy()) is None
    assert slab_of(picture.transpose(1, 0, 2)) is None


def test_nobody_can_shrink_a_slab_or_write_beyond_it() -> None:
    slab = Slab(1000)
    for size in (10, 2000):
        with pytest.raises(PermissionError):
            os.ftruncate(slab.file, size)
    with pytest.raises(OSError, match="Operation not permitted"):
        write_picture(slab.file, np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(EOFError):
        read_picture(slab.file, 20, 20)
    with pytest.raises(ValueError, match="smaller than requested"):
        slab.lend(20, 20)


def test_memory_is_taken_by_pictures_alone_and_that_of_large_ones_is_returned() -> None:
    slabs = Slabs(40_000_000)
    small = slabs.held(np.ones((10, 10, 3), np.uint8))[0]
    slab = slab_of(small)
    assert slab
    assert written_bytes(slab) <= 2 * mmap.PAGESIZE
    del small
    large = slabs.held(np.ones((3000, 2000, 3), np.uint8))[0]
    assert slab_of(large) is slab
    assert written_bytes(slab) >= large.nbytes
    del large
    assert written_bytes(slab) <= KEPT_BYTES


def test_slabs_are_freed_with_the_last_picture_of_them() -> None:
    before = mapped_slabs()
    picture = Slabs(PIXELS).held(np.zeros((10, 10, 3), np.uint8))[0]
    gc.collect()
    assert mapped_slabs() == before + 1
    del picture
    gc.collect()
    assert mapped_slabs() == before


FIFTY_DEATHS = """
import os, signal
import numpy as np
import psutil
from worker.images.slabs import Slabs, slab_of

for _ in range(50):
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        picture = Slabs(4_000_000).held(np.ones((500, 500, 3), np.uint8))[0]
        os.write(told, str(os.fstat(slab_of(picture).file).st_ino).encode())
        signal.pause()
    print(os.read(heard, 20).decode())
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


def test_processes_that_are_killed_leave_no_shared_memory() -> None:
    printed = subprocess.run([sys.executable, "-c", FIFTY_DEATHS], capture_output=True, text=True, check=True)
    inodes = {int(line) for line in printed.stdout.split()}
    assert len(printed.stdout.split()) == 50
    assert not inodes & open_slabs()


def open_slabs() -> set[int]:
    """Return the inodes of all slabs that a process of this host has open or mapped."""
    found = set()
    for process in psutil.process_iter():
        with suppress(OSError):
            for line in Path(f"/proc/{process.pid}/maps").read_text().splitlines():
                if "stylequeue-picture" in line:
                    found.add(int(line.split()[4]))
            for link in Path(f"/proc/{process.pid}/fd").iterdir():
                if "stylequeue-picture" in str(link.readlink()):
                    found.add(link.stat().st_ino)
    return found
