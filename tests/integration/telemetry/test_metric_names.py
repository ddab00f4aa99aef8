"""Rules, dashboard and docs name only metrics that a running stack exports."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.store.workers import WorkerRegistry
from tests.faults.stand_ins.orders import ModelAction
from tests.scrapes import Scrape
from tests.stacks.observed_stack import ObservedStack, observed_stack
from tests.stacks.servers import wait_until

ROOT = Path(__file__).resolve().parents[3]
NAME = re.compile(r"\bstylequeue_[a-z0-9_]+")
PARTS = ("_bucket", "_count", "_sum", "_created")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObservedStack]:
    """A stack with two worker processes, after jobs that succeeded."""
    with observed_stack(tmp_path_factory.mktemp("observed")) as stack, stack.workers():
        stack.until_workers_are_there()
        stack.until_ended(stack.submit(8))
        yield stack


def names_of(stack: ObservedStack) -> set[str]:
    return stack.of_api().names | stack.of_workers().names


@pytest.mark.parametrize(
    "path", ["deploy/prometheus/alerts.yml", "deploy/grafana/dashboards/stylequeue.json"]
)
def test_every_metric_that_is_asked_for_is_there(stack: ObservedStack, path: str) -> None:
    asked = set(NAME.findall((ROOT / path).read_text("utf-8"))) - {"stylequeue_"}
    assert len(asked) > 10
    assert asked <= names_of(stack)


def test_the_docs_name_every_metric_with_its_labels(stack: ObservedStack) -> None:
    found = {**_described(stack.of_workers()), **_described(stack.of_api())}
    page = (ROOT / "docs/12-metrics.md").read_text("utf-8")
    rows = re.findall(r"^\| `(stylequeue_\w+)` \| (\w+) \|([^|]*)\|", page, re.MULTILINE)
    told = {name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert told == found


def _described(scrape: Scrape) -> dict[str, tuple[str, frozenset[str]]]:
    """Return each metric's kind and the names of its labels, as rules name it."""
    return {
        family.name + ("_total" if family.type == "counter" else ""): (
            family.type,
            frozenset({label for sample in family.samples for label in sample.labels} - {"le"}),
        )
        for family in scrape.families.values()
        if not family.name.endswith("_created")
    }


def test_one_scrape_covers_all_processes_of_a_host_and_forgets_nothing_when_they_die(
    stack: ObservedStack,
) -> None:
    before = stack.of_workers()
    assert before.value("stylequeue_host_processes") == 2
    assert before.value("stylequeue_host_slots") == 2 * stack.settings.worker_threads
    assert before.value("stylequeue_model_load_seconds_count") == 2
    done = before.value("stylequeue_job_runs_total", outcome="succeeded")
    assert done >= 8
    assert before.value("stylequeue_stage_seconds_count", stage="put") == done
    for worker in WorkerRegistry(stack.connection).alive(3600):
        os.kill(worker.pid, signal.SIGKILL)
    wait_until(lambda: stack.of_workers().value("stylequeue_host_process_deaths_total") == 2)
    slots = 2 * stack.settings.worker_threads
    wait_until(lambda: stack.of_workers().value("stylequeue_host_slots") == slots, what="new processes")
    after = stack.of_workers()
    assert after.value("stylequeue_job_runs_total", outcome="succeeded") == done
    assert after.value("stylequeue_host_processes") == 2
    assert after.value("stylequeue_host_busy_slots") == 0
    stack.until_ended(stack.submit(4))
    assert stack.of_workers().value("stylequeue_job_runs_total", outcome="succeeded") == done + 4


def test_a_job_that_kills_its_workers_is_seen_as_lost(stack: ObservedStack) -> None:
    stack.until_workers_are_there()
    stack.until_ended(stack.submit(1, ModelAction.KILL, max_attempts=1))
    scrape = stack.of_api()
    assert scrape.value("stylequeue_jobs_failed_total", code="worker-lost") == 1
    assert scrape.value("stylequeue_leases_lost_total") > 0
    assert scrape.value("stylequeue_jobs_ended_total", outcome="failed") == 1
