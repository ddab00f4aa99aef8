"""Generated requests, alone and in chains: no 5xx, and no response outside the OpenAPI page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest
import redis

from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.api_keys import KeyStore
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.wire.descriptors import FAST_LANES, Lane
from shared.wire.operations.api_key import Scope
from tests.jobs import ERROR, end_job, finalize, take
from tests.stacks.gunicorn import running_api
from tests.stacks.service import NDJSON, PICTURE, data_uri, finish

CHECKS_OF_ONE = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,positive_data_acceptance,unsupported_method"
)

# What no schema knows (422): which times are past, which scopes have lanes, what can be printed, which
# method the jobs of a batch have, and how many days lie between two.
RULES = """
[[operations]]
include-name = "POST /v1/keys"
checks.positive_data_acceptance.expected-statuses = ["2xx", 422]

[[operations]]
include-name = "GET /v1/owners"
checks.positive_data_acceptance.expected-statuses = [200, 403, 422]

[[operations]]
include-name = "GET /v1/usage"
checks.positive_data_acceptance.expected-statuses = [200, 403, 404, 422]

[[operations]]
include-name = "POST /v1/batches/{batch_id}/lane"
checks.positive_data_acceptance.expected-statuses = ["2xx", 403, 404, 409, 422]
"""

# The schema cannot state the operator's limits (413) and the addresses that are never fetched (403).
CONFIG = f"""
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 303, 304, 403, 404, 409, 410, 413]

[checks.negative_data_rejection]
expected-statuses = [400, 403, 404, 405, 409, 413, 415, 422]

# A schema cannot describe the first bytes of a file (415). No file was sent for a generated upload_id (409).
[[operations]]
include-name = "POST /v1/jobs"
checks.positive_data_acceptance.expected-statuses = ["2xx", 403, 409, 413, 415]

# A schema cannot describe the first bytes of a file (415).
[[operations]]
include-name = "POST /v1/uploads"
checks.positive_data_acceptance.expected-statuses = ["2xx", 413, 415]

# A generated text is no key (401), unless it is that of a key that another request made.
[[operations]]
include-name = "POST /v1/session"
checks.positive_data_acceptance.expected-statuses = [200, 401]

# An owner may have ten actions that are not done (429).
[[operations]]
include-name = "POST /v1/bulk-actions"
checks.positive_data_acceptance.expected-statuses = ["2xx", 403, 413, 429]
{RULES}
# The page takes any object for a job of a batch, as each is checked alone; 422 when none can be accepted.
[[operations]]
include-name = "POST /v1/batches"
checks.positive_data_acceptance.expected-statuses = ["2xx", 403, 413, 422]
checks.negative_data_rejection.expected-statuses = [202, 400, 403, 409, 413, 415, 422]
"""
# 503 without a worker; a stream that lasts until a job ends; the end of the key that sends the requests
NOT_GENERATED = "readyz$|events$|keys/"

WEBHOOK_URL = "http://127.0.0.1:9/hook"
SOURCE = {"const": {"data": data_uri(PICTURE)}}
JOB = {
    "type": "object",
    "required": ["content", "style"],
    "additionalProperties": False,
    "properties": {
        "content": SOURCE,
        "style": SOURCE,
        "lane": {"enum": list(FAST_LANES)},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2},
        "webhook": {"const": {"url": WEBHOOK_URL}},
    },
}
JOBS = {"type": "array", "items": JOB, "minItems": 1, "maxItems": 3}
UPLOAD = {
    "type": "object",
    "required": ["sha256", "bytes", "content_type"],
    "additionalProperties": False,
    "properties": {
        "sha256": {"enum": ["0" * 64, "1" * 64]},
        "bytes": {"const": len(PICTURE)},
        "content_type": {"const": "image/jpeg"},
    },
}
BODIES = {
    "/v1/uploads": UPLOAD,
    "/v1/jobs": JOB,
    "/v1/batches": {
        "type": "object",
        "required": ["jobs"],
        "additionalProperties": False,
        "properties": {"jobs": JOBS},
    },
    "/v1/webhooks/test": {"const": {"url": WEBHOOK_URL}},
}
# (path, method, status) of a response -> the path parameter that the response gives a value to
LINKS = {
    ("/v1/jobs", "post", "202"): ("job_id", "$response.body#/id"),
    ("/v1/batches", "post", "202"): ("batch_id", "$response.body#/id"),
    ("/v1/batches/{batch_id}/jobs", "get", "200"): ("job_id", "$response.body#/jobs/0/id"),
    ("/v1/webhooks/test", "post", "202"): ("delivery_id", "$response.body#/id"),
}
LEAST_LINKS = 30  # that chains follow; how many depends on the seed and on all routes
CHAINS = f"""
{RULES}
# No file was sent for an announced upload_id: 409, as in the requests above.
[phases.stateful]
max-steps = 25
"""


@pytest.fixture
def settings(redis_url: str, s3_settings: Settings) -> Settings:
    changed = {
        "redis_url": redis_url,
        "max_wait_seconds": 0,
        "webhook_allowed_hosts": (WEBHOOK_URL.split("/")[2],),
    }
    return s3_settings.model_copy(update=changed)


@pytest.fixture
def api_url(settings: Settings, connection: redis.Redis, tmp_path: Path) -> Iterator[str]:
    """The API under Gunicorn, on an empty Redis."""
    with running_api(settings, tmp_path / "api.log", ["--threads", "8"]) as url:
        yield url


@pytest.fixture
def key(connection: redis.Redis) -> str:
    secret, _ = KeyStore(connection).create("anna", Scope.ADMIN)
    return secret


def test_no_generated_request_gets_a_server_error_or_a_response_outside_the_page(
    api_url: str, key: str, tmp_path: Path
) -> None:
    page = tmp_path / "openapi.json"
    page.write_text(json.dumps(sendable(httpx.get(f"{api_url}/openapi.json").json())))
    options = f"--phases examples,coverage,fuzzing --checks {CHECKS_OF_ONE} --max-examples 20 --mode all"
    generate(str(page), key, tmp_path, CONFIG, f"--url {api_url} {options} --generation-deterministic")


def test_no_chain_of_requests_gets_a_server_error_or_a_response_outside_the_page(
    api_url: str, settings: Settings, key: str, store: JobStore, batches: BatchStore, tmp_path: Path
) -> None:
    """The page has no links, and generated jobs are hardly ever valid; so the test's copy of it gets both."""
    page = tmp_path / "openapi.json"
    page.write_text(json.dumps(linked(sendable(httpx.get(f"{api_url}/openapi.json").json()))))
    options = f"--url {api_url} --phases stateful --checks all --max-examples 150 --mode positive --seed 5"
    with a_worker(store, batches, Storage(settings)):
        report = generate(str(page), key, tmp_path, CHAINS, options)
    covered = int(re.findall(r"API Links: +(\d+) covered", report)[0])
    assert covered >= LEAST_LINKS, report[-1500:]


def generate(page: str, key: str, folder: Path, config: str, options: str) -> str:
    """Run Schemathesis; return its report."""
    (folder / "schemathesis.toml").write_text(config)
    program = str(Path(sys.executable).with_name("schemathesis"))
    command = [program, "--config-file", "schemathesis.toml", "run", page, *options.split()]
    command += ["--continue-on-failure", "--request-timeout", "30", "--no-color"]
    command += ["--exclude-path-regex", NOT_GENERATED]
    command += ["--header", f"Authorization: Bearer {key}"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=False)
    (folder / "report.txt").write_text(result.stdout + result.stderr)
    assert result.returncode == 0, f"{folder}/report.txt: {result.stdout[-1500:]}"
    return result.stdout


def sendable(page: dict[str, Any]) -> dict[str, Any]:
    """Return the page without what Schemathesis cannot send: NDJSON, and a key that is used once (422).

    Beside files it cannot judge conditions. JSON bodies cover the members that have some.
    """
    form = page["components"]["schemas"]["JobForm"]
    del form["allOf"], form["properties"]["params"], form["properties"]["output"]
    form["properties"]["lane"] = {"enum": list(FAST_LANES)}
    del page["paths"]["/v1/batches"]["post"]["requestBody"]["content"][NDJSON]["example"]
    for path in ("/v1/jobs", "/v1/batches"):
        parameters = page["paths"][path]["post"]["parameters"]
        parameters[:] = [each for each in parameters if each["in"] != "header"]
    return page


def linked(page: dict[str, Any]) -> dict[str, Any]:
    """Return the page with valid bodies, and with links from requests that create to those that use."""
    paths = page["paths"]
    for path, body in BODIES.items():
        paths[path]["post"]["requestBody"]["content"] = {"application/json": {"schema": body}}
    for (path, method, status), (name, expression) in LINKS.items():
        users = [
            operation["operationId"]
            for path in paths
            if f"{{{name}}}" in path
            for operation in paths[path].values()
        ]
        paths[path][method]["responses"][status]["links"] = {
            user: {"operationId": user, "parameters": {name: expression}} for user in users
        }
    uploaded = {"upload_id": "$response.body#/upload_id"}
    paths["/v1/uploads"]["post"]["responses"]["200"]["links"] = {
        "use": {
            "operationId": paths["/v1/jobs"]["post"]["operationId"],
            "requestBody": {"content": uploaded, "style": uploaded},
            "x-schemathesis": {"merge_body": False},
        }
    }
    return page


@contextmanager
def a_worker(store: JobStore, batches: BatchStore, storage: Storage) -> Iterator[None]:
    """Meanwhile end the jobs of the bulk lane well, fail those of the high lane, and leave the others."""
    stopped = Event()

    def work() -> None:
        while not stopped.wait(0.02):
            if claim := take(store, Lane.BULK):
                finish(store, storage, claim)
            if claim := take(store, Lane.HIGH):
                end_job(store, claim, ERROR)
            finalize(batches)

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
