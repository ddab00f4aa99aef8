"""The rules under promtool, and a Prometheus server that watches a running stack."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.stacks.observed_stack import ObservedStack, observed_stack
from tests.stacks.servers import wait_until
from tests.system.hosts.prometheus import DEPLOYED, Prometheus, quick_configuration, running_prometheus
from tests.system.programs import program

DASHBOARD = DEPLOYED.parent / "grafana" / "dashboards" / "stylequeue.json"
NO_WORKER = "StyleQueueNoWorker"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObservedStack]:
    with observed_stack(tmp_path_factory.mktemp("observed")) as stack:
        yield stack


@pytest.fixture(scope="module")
def prometheus(stack: ObservedStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with running_prometheus(stack, tmp_path_factory.mktemp("prometheus") / "server") as server:
        yield server


def promtool(*arguments: str) -> str:
    command = [program("promtool", "prometheus"), *arguments]
    result = subprocess.run(command, cwd=DEPLOYED, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_rules_are_valid_and_pass_their_unit_tests() -> None:
    promtool("check", "rules", "alerts.yml")
    promtool("test", "rules", "alerts_test.yml")


def test_the_configuration_is_valid_as_it_is_deployed_and_with_its_key(
    stack: ObservedStack, tmp_path: Path
) -> None:
    promtool("check", "config", "--syntax-only", "prometheus.yml")
    promtool("check", "config", str(quick_configuration(stack, tmp_path)))


def test_the_dashboard_finds_its_series_and_when_all_workers_stop_the_alert_fires_until_they_are_back(
    stack: ObservedStack, prometheus: Prometheus
) -> None:
    with stack.workers():
        stack.until_workers_are_there()
        stack.until_ended(stack.submit(4))
        healthy = {"stylequeue-api": "up", "stylequeue-worker": "up"}
        wait_until(lambda: prometheus.targets() == healthy, what="two targets that answer")
        _wait_for_an_evaluation(prometheus)
        wait_until(lambda: not prometheus.firing(), what="the end of alerts from before the workers started")
        _check_the_dashboard(prometheus)
    batch = stack.submit(3, lane="bulk")
    wait_until(lambda: (NO_WORKER, "bulk") in prometheus.firing(), what="the alert")
    assert (NO_WORKER, "high") not in prometheus.firing()
    wait_until(
        lambda: ("StyleQueueTargetDown", "") in prometheus.firing(), what="the alert of the silent host"
    )
    with stack.workers():
        stack.until_ended(batch)
        wait_until(lambda: not prometheus.firing(), what="the end of the alerts")


def _check_the_dashboard(prometheus: Prometheus) -> None:
    """Check that each query is understood, and finds something unless it asks for values above 0."""
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    queries = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    assert len(queries) > 30
    for query in queries:
        if "> 0" in query:
            prometheus.series(query)
        else:  # a rate needs a second sample
            wait_until(lambda query=query: prometheus.series(query), what=query)  # type: ignore[misc]  # at once


def _wait_for_an_evaluation(prometheus: Prometheus) -> None:
    """Wait until every deployed rule has been evaluated without an error."""
    deployed = yaml.safe_load((DEPLOYED / "alerts.yml").read_text("utf-8"))["groups"]
    names = {rule["alert"] for group in deployed for rule in group["rules"]}
    wait_until(
        lambda: {rule["name"] for rule in prometheus.rules() if rule["health"] == "ok"} == names,
        what="an evaluation of each rule",
    )
