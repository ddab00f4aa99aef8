"""The rate of a device's minimizations: steps on one pixel in a second. A file keeps it across restarts."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Lock
from uuid import uuid4

import structlog

FILE = "optimize-rates.json"


class DeviceRate:
    """Shared by all threads of a process. The file has the rates of all devices that used the folder."""

    def __init__(self, folder: Path, device: str) -> None:
        self._file = folder / FILE
        self._device = device
        self._lock = Lock()
        self.value: float | None = self._all().get(device)

    def note(self, rate: float) -> None:
        """Take the mean of the rate so far and a new one, so that it follows changes and evens out noise."""
        with self._lock:
            self.value = rate if self.value is None else (self.value + rate) / 2
            self._keep(self.value)

    def _all(self) -> dict[str, float]:
        """Return the rates by device; none if the file is missing or damaged."""
        try:
            rates = json.loads(self._file.read_text())
            return {str(device): float(rate) for device, rate in rates.items() if float(rate) > 0}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _keep(self, rate: float) -> None:
        scratch = self._file.with_name(f"{FILE}.{uuid4().hex}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            scratch.write_text(json.dumps({**self._all(), self._device: round(rate, 1)}))
            scratch.replace(self._file)
        except OSError as error:
            structlog.get_logger().warning("rate not kept", file=str(self._file), error=str(error))
