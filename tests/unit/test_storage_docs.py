"""The policy in docs/10-storage.md is JSON, and the one of the service's user in docker-compose.yml."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def granted(policy: dict[str, Any]) -> dict[str, set[str]]:
    """Actions by resource."""
    assert policy["Version"] == "2012-10-17"
    return {
        resource: set(statement["Action"])
        for statement in policy["Statement"]
        for resource in statement["Resource"]
        if statement["Effect"] == "Allow"
    }


def test_the_policy_in_the_docs_is_that_of_the_composed_service() -> None:
    page = (ROOT / "docs" / "10-storage.md").read_text("utf-8")
    (shown,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (script,) = (ROOT / "deploy" / "minio").glob("*user*.sh")
    (given,) = re.findall(r"printf '%s' '(\{.*?\})' >", script.read_text("utf-8"), re.DOTALL)
    assert granted(json.loads(shown)) == granted(json.loads(given.replace("'\"$BUCKET\"'", "stylequeue")))
