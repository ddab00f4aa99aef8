"""The metrics of all processes on one host, including those that have ended."""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

KEPT = ("counter", "histogram")  # the gauges of an ended process have no meaning
OF_THE_DEAD = 0  # no process has this id


class MetricsFiles:
    """The files of one folder (metrics_folder.py), as a collector for prometheus_client.

    A lock keeps `collect` and `add_to_ended` apart, so that no count is seen twice or missed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Return the sums over all processes."""
        with self._locked(fcntl.LOCK_SH):
            files = [str(file) for file in self._folder.glob("*.db") if file.stat().st_size]
            return list(MultiProcessCollector.merge(files))

    def add_to_ended(self, process_id: int) -> None:
        """Add the counts of an ended process to the sum of all ended ones, and delete its files.

        The system may reuse its process id. Adding up also keeps the number of files constant.
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
            fcntl.flock(lock, how)  # released when the file is closed
            yield


def _add(file: Path, to: Path) -> None:
    sums = MmapedDict(str(to))
    try:
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):
            sums.write_value(key, sums.read_value(key)[0] + value, 0.0)
    finally:
        sums.close()
