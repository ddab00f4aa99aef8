"""Gunicorn's own lines in the form of ours."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from shared.settings import settings_or_exit
from shared.telemetry.logs import configure_logs, formatter_for_libraries

SERVICE = "api"


class ServerLog(Logger):  # type: ignore[misc]  # Gunicorn has no types
    """Gunicorn makes it before anything else; a setting that is malformed ends it here."""

    def setup(self, cfg: Any) -> None:
        settings = settings_or_exit()
        configure_logs(settings, SERVICE)
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(formatter_for_libraries(settings, SERVICE))
