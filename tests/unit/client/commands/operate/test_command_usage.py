"""`stylequeue usage`: the quotas and the account, as a person reads them and as a program does."""

from __future__ import annotations

import csv
import json
from typing import Any

from tests.unit.command_service import Service, run

QUOTAS = {
    name: {"used": used, "limit": 5_000}
    for used, name in enumerate(
        (
            *("records", "pending_webhooks", "idempotency_keys"),
            *("announced_uploads", "stored_bytes", "record_bytes"),
        ),
        1_000,
    )
}
TOOK = {"succeeded": 1_200, "failed": 3, "canceled": 0, "expired": 0, "pixels": 368_640_000}
TOOK |= {"device_seconds": 75.25, "bytes_in": 90_000_000, "bytes_out": 41_250_000}
USAGE: dict[str, Any] = {
    **QUOTAS,
    "account": {
        "first_day": "2026-01-01",
        "last_day": "2026-01-31",
        "by": "day",
        "rows": [{**TOOK, "day": "2026-01-30"}],
        "total": TOOK,
    },
}


def words(output: str) -> list[list[str]]:
    return [line.split() for line in output.splitlines()]


def test_usage_is_shown_of_the_caller_and_for_admins_of_an_owner(service: Service) -> None:
    service.usage = USAGE
    output = run(service.url, "usage", "--owner", "anna").output
    assert ["announced", "uploads", "1,003", "5,000"] in words(output)
    assert json.loads(run(service.url, "usage", "--json").output) == USAGE
    asked = [request.query for request in service.asked("GET /v1/usage")]
    assert asked == [{"owner": "anna", "by": "day"}, {"by": "day"}]


def test_an_account_has_a_row_a_day_and_the_sum(service: Service) -> None:
    service.usage = USAGE
    output = run(service.url, "usage", "--from", "2026-01-01", "--to", "2026-01-31", "--by", "day").output
    numbers = ["1,203", "1,200", "3", "368.6", "75.2", "s", "90.0", "41.2"]
    assert ["2026-01-30", *numbers] in words(output)
    assert ["2026-01-01", "to", "2026-01-31", *numbers] in words(output)
    (asked,) = service.asked("GET /v1/usage")
    assert asked.query == {"from": "2026-01-01", "to": "2026-01-31", "by": "day"}


def test_keys_and_jobs_without_one_have_rows(service: Service) -> None:
    rows = [{**TOOK, "key_id": "0a1b2c3d4e5f"}, TOOK]
    service.usage = {**USAGE, "account": {**USAGE["account"], "by": "key", "rows": rows}}
    output = run(service.url, "usage", "--by", "key").output
    assert ["0a1b2c3d4e5f", "1,203"] in [line[:2] for line in words(output)]
    assert ["no", "key", "1,203"] in [line[:3] for line in words(output)]


def test_a_spreadsheet_gets_csv(service: Service) -> None:
    service.usage = USAGE
    (row,) = csv.DictReader(run(service.url, "usage", "--csv").output.splitlines())
    assert (row["day"], row["succeeded"], row["device_seconds"]) == ("2026-01-30", "1200", "75.25")
    assert run(service.url, "usage", "--csv", "--json").exit_code == 2


def test_a_day_that_is_none_is_refused(service: Service) -> None:
    result = run(service.url, "usage", "--from", "30.1.2026")
    assert (result.exit_code, "--from" in result.output) == (2, True)


def test_the_rule_for_an_owners_name_is_given_in_words(service: Service) -> None:
    result = run(service.url, "usage", "--owner", "Anna!")
    assert result.exit_code == 2
    words = " ".join(result.output.split())
    assert "An owner's name has 1 to 40 characters of a-z, 0-9 and -" in words
