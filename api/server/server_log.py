"""Gunicorn's log lines in the service's format."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from shared.settings import settings_or_exit
from shared.telemetry.logs import configure_logs, formatter_for_libraries

SERVICE = "api"


class ServerLog(Logger):  # type: ignore[misc]  # Gunicorn has no types
    """Gunicorn creates this first, so a malformed setting ends the process here."""

    def setup(self, cfg: Any) -> None:
        settings = settings_or_exit()
        configure_logs(settings, SERVICE)
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(formatter_for_libraries(settings, SERVICE))
