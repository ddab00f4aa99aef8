"""A Prometheus server on a copy of the project's configuration that is quick enough for a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.stacks.observed_stack import ObservedStack
from tests.stacks.ports import free_port
from tests.stacks.servers import running, wait_until
from tests.system.programs import program

DEPLOYED = Path(__file__).resolve().parents[3] / "deploy" / "prometheus"
QUICK_SECONDS = "500ms"  # between scrapes, where the real file says 15s
QUICK_PATIENCE = "1s"  # for which a rule must hold, where the real one says minutes
START_SECONDS = 30


@dataclass(frozen=True)
class Prometheus:
    """A running server, read by the API that its own pages use."""

    client: httpx.Client

    def targets(self) -> dict[str, str]:
        """Return the health by job."""
        active = self._ask("targets")["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in active}

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def firing(self) -> set[tuple[str, str]]:
        """Return the names of alerts, each with its lane if it has one."""
        return {
            (alert["labels"]["alertname"], alert["labels"].get("lane", ""))
            for alert in self._ask("alerts")["alerts"]
            if alert["state"] == "firing"
        }

    def series(self, query: str) -> int:
        """Return how many series the query finds now."""
        return len(self._ask("query", query=query)["result"])

    def _ask(self, what: str, **parameters: str) -> Any:
        answer = self.client.get(f"/api/v1/{what}", params=parameters)
        assert answer.is_success, answer.text
        return answer.json()["data"]


@contextmanager
def running_prometheus(stack: ObservedStack, folder: Path) -> Iterator[Prometheus]:
    folder.mkdir()
    address = f"127.0.0.1:{free_port()}"
    command = [
        program("prometheus", "prometheus"),
        f"--config.file={quick_configuration(stack, folder)}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with (
        running(command, folder / "prometheus.log"),
        httpx.Client(base_url=f"http://{address}", timeout=30, trust_env=False) as client,
    ):
        wait_until(lambda: _is_ready(client), START_SECONDS, "an answer from Prometheus")
        yield Prometheus(client)


def quick_configuration(stack: ObservedStack, folder: Path) -> Path:
    """Write the deployed files with three changes: addresses instead of names to resolve, the key's place,
    and times. The rules' expressions are unchanged.
    """
    configuration = yaml.safe_load((DEPLOYED / "prometheus.yml").read_text("utf-8"))
    configuration["global"] = dict.fromkeys(("scrape_interval", "evaluation_interval"), QUICK_SECONDS)
    configuration["global"]["scrape_timeout"] = QUICK_SECONDS
    addresses = {
        "stylequeue-api": stack.url.removeprefix("http://"),
        "stylequeue-worker": stack.workers_address,
    }
    for job in configuration["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [addresses[job["job_name"]]]}]
        if "authorization" in job:
            job["authorization"]["credentials_file"] = str(folder / "key")
    (folder / "key").write_text(stack.key)
    (folder / "alerts.yml").write_text(yaml.safe_dump(quick_rules()))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    return folder / "prometheus.yml"


def quick_rules() -> dict[str, Any]:
    rules: dict[str, Any] = yaml.safe_load((DEPLOYED / "alerts.yml").read_text("utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = QUICK_PATIENCE
    return rules


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").is_success
    except httpx.HTTPError:
        return False
