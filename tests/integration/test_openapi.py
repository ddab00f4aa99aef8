"""Generated requests, sensible and senseless ones: no 5xx, and no answer outside the OpenAPI page."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from shared.settings import Settings
from shared.store.api_keys import KeyStore
from shared.wire.api_key import Scope
from tests.gunicorn import running_api

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,positive_data_acceptance,unsupported_method"
)

# Limits that an operator sets are not in the schema: 413. Neither are addresses that are not fetched: 403.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 303, 304, 403, 404, 409, 410, 413]

[checks.negative_data_rejection]
expected-statuses = [400, 403, 404, 405, 409, 413, 415, 422]

# A file is told by its first bytes, which a schema cannot describe: 415. Generated uploads never came: 409.
[[operations]]
include-name = "POST /v1/jobs"
checks.positive_data_acceptance.expected-statuses = ["2xx", 403, 409, 413, 415]

# Each job of a batch is judged alone, so the page takes any object for one: 422 when none can be accepted.
[[operations]]
include-name = "POST /v1/batches"
checks.positive_data_acceptance.expected-statuses = ["2xx", 403, 413, 422]
checks.negative_data_rejection.expected-statuses = [202, 400, 403, 409, 413, 415, 422]
"""
NOT_GENERATED = "readyz$|events$"  # says 503 without a worker; goes on until a job ends


@pytest.fixture
def api_url(redis_url: str, connection: redis.Redis, s3_settings: Settings, tmp_path: Path) -> Iterator[str]:
    """The API under Gunicorn, on an empty Redis; no worker, so that jobs stay as they are put."""
    settings = s3_settings.model_copy(update={"redis_url": redis_url, "max_wait_seconds": 0})
    with running_api(settings, tmp_path / "api.log", ["--threads", "8"]) as url:
        yield url


def test_no_generated_request_gets_a_server_error_or_an_answer_outside_the_page(
    api_url: str, connection: redis.Redis, tmp_path: Path
) -> None:
    key, _ = KeyStore(connection).create("anna", Scope.ADMIN)
    program, config = Path(sys.executable).with_name("schemathesis"), tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    command = [str(program), "--config-file", str(config), "run", f"{api_url}/openapi.json"]
    command += ["--checks", CHECKS, "--max-examples", "20", "--mode", "all", "--generation-deterministic"]
    command += ["--continue-on-failure", "--request-timeout", "30", "--no-color"]
    command += ["--exclude-path-regex", NOT_GENERATED, "--header", f"Authorization: Bearer {key}"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False)
    (tmp_path / "report.txt").write_text(result.stdout + result.stderr)
    assert result.returncode == 0, f"{tmp_path}/report.txt: {result.stdout[-1500:]}"
