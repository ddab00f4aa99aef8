"""The API key on its way from the user to the service, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from client.command import main
from client.errors import RequestRefused
from tests.unit.batch_service import BatchService
from tests.unit.client_server import Wire, problem
from tests.unit.command_service import Service

KEY = "sq_0123456789ab_canary"


def run(url: str, *words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["--api", url, *words], env=environment)


@pytest.mark.parametrize("way", ["option", "variable"])
def test_the_key_goes_with_each_request(service: Service, way: str) -> None:
    if way == "option":
        result = run(service.url, "--api-key", KEY, "jobs")
    else:
        result = run(service.url, "jobs", STYLEQUEUE_API_KEY=KEY)
    assert result.exit_code == 0
    assert {request.headers.get("authorization") for request in service.requests} == {f"Bearer {KEY}"}


def test_without_a_key_none_is_sent(service: Service) -> None:
    run(service.url, "jobs", STYLEQUEUE_API_KEY="")
    assert {request.headers.get("authorization") for request in service.requests} == {None}


def test_the_key_is_in_no_output_and_no_file(bulk: BatchService, photos: Path, tmp_path: Path) -> None:
    words = ["submit", str(photos), "--style", str(tmp_path / "wave.png"), "--out", str(tmp_path / "painted")]
    result = run(bulk.url, *words, STYLEQUEUE_API_KEY=KEY)
    assert (tmp_path / "painted" / "manifest.json").exists(), result.output
    assert KEY not in result.output
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()]
    assert KEY not in run(bulk.url, "--help", STYLEQUEUE_API_KEY=KEY).output


def test_a_refused_key_is_reported_with_the_remedy_and_not_repeated(wire: Wire) -> None:
    wire.service.on("GET /v1/jobs/j1", problem(401, "unauthenticated", "There is no such API key"))
    with pytest.raises(RequestRefused, match=r"no such API key\. Give a key with --api-key") as caught:
        wire.queue.job("j1")
    assert (caught.value.status, caught.value.code) == (401, "unauthenticated")
    assert len(wire.service.requests) == 1


def test_a_key_that_no_header_can_carry_is_refused_unseen(service: Service) -> None:
    result = run(service.url, "jobs", STYLEQUEUE_API_KEY="sq canary\n")
    assert result.exit_code == 2
    assert "canary" not in result.output
