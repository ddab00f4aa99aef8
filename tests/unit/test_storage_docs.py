"""The policies in docs/10-storage.md are JSON, and those of the users in docker-compose.yml."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def granted(policy: dict[str, Any]) -> dict[str, set[str]]:
    """Return actions by resource."""
    assert policy["Version"] == "2012-10-17"
    return {
        resource: set(statement["Action"])
        for statement in policy["Statement"]
        for resource in statement["Resource"]
        if statement["Effect"] == "Allow"
    }


def test_the_policies_in_the_docs_are_those_of_the_composed_service() -> None:
    page = (ROOT / "docs" / "10-storage.md").read_text("utf-8")
    shown = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    script = (ROOT / "deploy" / "storage" / "policies.sh").read_text("utf-8")
    given = re.findall(r"<< END\n(.*?)\nEND\n", script, re.DOTALL)
    assert len(shown) == len(given) == 2
    for ours, theirs in zip(shown, given, strict=True):
        assert granted(json.loads(ours)) == granted(json.loads(theirs.replace("$BUCKET", "stylequeue")))
