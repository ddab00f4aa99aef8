"""What all processes of one host have counted, the dead among them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

KEPT = ("counter", "histogram")  # gauges of the dead say nothing any more
OF_THE_DEAD = 0  # no process has this id


class MetricsFiles:
    """The files of one folder (metrics_folder.py), as a collector for prometheus_client.

    Who reads and who buries keep out of each other's way, so that nothing is seen twice, or not at all.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """The sums over all processes."""
        with self._locked(fcntl.LOCK_SH):
            files = [str(file) for file in self._folder.glob("*.db") if file.stat().st_size]
            return list(MultiProcessCollector.merge(files))

    def bury(self, process_id: int) -> None:
        """Adds what a process that has ended counted to the sum of the dead: its id may come again, and
        however many die, there is one file of a kind.
        """
        with self._locked(fcntl.LOCK_EX):
            for kind in KEPT:
                file = self._folder / f"{kind}_{process_id}.db"
                if file.exists() and file.stat().st_size:
                    _add(file, self._folder / f"{kind}_{OF_THE_DEAD}.db")
                file.unlink(missing_ok=True)
            for file in self._folder.glob(f"gauge_*_{process_id}.db"):
                file.unlink()

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, how)  # ends with the file
            yield


def _add(file: Path, to: Path) -> None:
    sums = MmapedDict(str(to))
    try:
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):
            sums.write_value(key, sums.read_value(key)[0] + value, 0.0)
    finally:
        sums.close()
