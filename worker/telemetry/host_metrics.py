"""Serves the metrics of all worker processes of one host on one port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from wsgiref.simple_server import WSGIServer

from prometheus_client import Metric, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from shared.errors import SettingsError
from shared.settings import Settings
from shared.telemetry.metrics_files import MetricsFiles
from shared.telemetry.metrics_folder import VARIABLE, make_metrics_folder
from shared.telemetry.scrape import registry_of


class HostMetrics(Collector):
    """Counts the worker processes and their deaths; the process that starts them has one."""

    def __init__(self) -> None:
        folder = make_metrics_folder()
        self._files = MetricsFiles(folder)
        self._running = 0
        self._deaths = 0
        self._server: WSGIServer | None = None
        self.environment: Mapping[str, str] = {VARIABLE: str(folder)}  # for the processes

    def serve(self, settings: Settings) -> None:
        """Serve over HTTP in a thread, if a port is set.

        Raises:
            SettingsError: the port cannot be used.
        """
        if not settings.metrics_port:
            return
        try:
            registry = registry_of(self._files, self)
            self._server, _ = start_http_server(settings.metrics_port, settings.metrics_host, registry)
        except OSError as error:
            where = f"{settings.metrics_host}:{settings.metrics_port}"
            raise SettingsError(
                f"STYLEQUEUE_METRICS_PORT: metrics cannot be served on {where} ({error.strerror})"
            ) from error

    def close(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def started(self) -> None:
        self._running += 1

    def ended(self, process_id: int, *, died: bool) -> None:
        """Count the end of a process; one that stopped on request has not died."""
        self._running -= 1
        self._deaths += died
        self._files.add_to_ended(process_id)

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "stylequeue_host_processes", "Worker processes and engines of this host.", self._running
        )
        yield CounterMetricFamily(
            "stylequeue_host_process_deaths",
            "Worker processes and engines of this host that ended although nobody stopped them.",
            self._deaths,
        )
