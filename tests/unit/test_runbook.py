"""Each alert has a section that says what to do, and unit tests in which it fires and does not fire."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from shared.wire.descriptors import Lane

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RUNBOOK = (ROOT / "docs" / "16-runbook.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
ALERTS = {
    rule["alert"]: rule
    for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
}


def test_the_runbook_has_a_section_for_each_alert_and_no_other() -> None:
    assert list(SECTIONS) == list(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_in_a_sentence_and_where_to_read_on(name: str) -> None:
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in ("warning", "critical")
    assert alert["annotations"]["summary"].endswith(".")
    assert alert["annotations"]["runbook"] == f"docs/16-runbook.md#{name.lower()}"
    for word in ("- **Look**: ", "- **Do**: "):
        assert word in SECTIONS[name], (name, word)


def test_every_lane_has_an_age_that_is_too_old() -> None:
    selectors = re.findall(r'lane=~?"([a-z|]+)"', ALERTS["StyleQueueOldJobs"]["expr"])
    assert sorted("|".join(selectors).split("|")) == sorted(Lane)


def test_the_links_within_the_runbook_lead_to_sections() -> None:
    anchors = set(re.findall(r"\]\(#([^)]+)\)", RUNBOOK))
    assert anchors <= {name.lower() for name in ALERTS}


def test_each_alert_has_a_unit_test_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    tests = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text("utf-8"))["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    for fires in (True, False):
        assert {case["alertname"] for case in cases if bool(case["exp_alerts"]) == fires} == set(ALERTS)
