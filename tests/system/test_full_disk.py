"""Full disks: under Redis' append-only file, and in the folder of temporary files."""

from __future__ import annotations

import random
from pathlib import Path

import httpx

from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd, ndjson
from tests.faults.stand_ins.another_api import another_api
from tests.faults.wires.redis_troubles import kill_and_restart
from tests.faults.wires.refusals import assert_unavailable
from tests.jobs import let_time_pass
from tests.stacks.fault_stack import LEASE_SECONDS, FaultStack, running_stack
from tests.stacks.servers import wait_until
from tests.stacks.service import NDJSON
from tests.system.hosts.small_disk import small_disk

MANY_ATTEMPTS = 20
MEGABYTES = 16
LARGE = b" " * 3_000_000  # more than the API keeps in memory


def test_a_full_disk_under_redis_is_a_503_and_nothing_accepted_is_lost(
    tmp_path: Path, chance: random.Random
) -> None:
    with (
        small_disk(tmp_path / "stack" / "redis", MEGABYTES) as disk,
        running_stack(tmp_path / "stack", chance) as stack,
    ):
        crowd = Crowd(stack)
        stack.start_workers(2)
        stack.until_workers_are_there()
        crowd.send_good(80, milliseconds=60, max_attempts=MANY_ATTEMPTS)
        line = ndjson(crowd.lines(1))
        stack.until(lambda: crowd.ended() >= 5)
        disk.fill()
        wait_until(lambda: refuses_writes(stack), what="a write that failed")
        assert_unavailable(stack, "POST", "/v1/batches", line)
        stack.let_pass(LEASE_SECONDS * 1.5)
        assert stack.client.get(f"/v1/jobs/{crowd.accepted[0]}").status_code == 200
        disk.make_room()
        crowd.send_good(4)
        kill_and_restart(stack)  # the file is whole
        Verdict(crowd).assert_all_succeeded()
        assert [worker.starts for worker in stack.workers] == [1, 1]


def refuses_writes(stack: FaultStack) -> bool:
    return bool(stack.connection.info("persistence")["aof_last_write_status"] == "err")


def test_an_api_without_room_for_temporary_files_says_so_and_goes_on(
    stack: FaultStack, crowd: Crowd, tmp_path: Path
) -> None:
    body = ndjson(crowd.lines(3)) + LARGE + b"\n"
    headers = {"Content-Type": NDJSON}
    picture = {"content": ("a.png", LARGE, "image/png"), "style": ("b.png", b"x", "image/png")}
    with (
        small_disk(tmp_path / "tmp", 2) as disk,
        another_api(stack, TMPDIR=str(disk.folder)) as api,
        httpx.Client(base_url=api.url, timeout=30, trust_env=False) as client,
    ):
        disk.fill()
        for answer in (
            client.post("/v1/batches", content=body, headers=headers),
            client.post("/v1/jobs", files=picture),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "disk-full")
            assert int(answer.headers["Retry-After"]) > 0
        assert client.post("/v1/batches", content=ndjson(crowd.lines(1)), headers=headers).status_code == 202
        disk.make_room()
        small = ndjson(crowd.lines(3)) + b" " * 1_200_000 + b"\n"
        assert client.post("/v1/batches", content=small, headers=headers).status_code == 202
        assert "died" not in stack.api.log


def test_a_worker_without_room_for_temporary_files_writes_the_results_later(
    stack: FaultStack, crowd: Crowd, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "tmp", 1) as disk:
        (worker,) = stack.start_workers(1, TMPDIR=str(disk.folder))
        crowd.send_good(4)
        stack.until(lambda: completed(stack, crowd))  # from now on it keeps to this folder
        disk.fill()
        crowd.send_good(20)
        stack.until(lambda: "disk-full" in worker.log)
        assert crowd.ended() == 24  # pictures need no such files
        disk.make_room()
        let_time_pass(stack.connection, "finalizing")  # minutes, until the batch is taken up again
        stack.until(lambda: completed(stack, crowd))
        Verdict(crowd).assert_all_succeeded()
        assert worker.starts == 1


def completed(stack: FaultStack, crowd: Crowd) -> bool:
    """Return whether the results of the last batch are written."""
    return bool(stack.client.get(f"/v1/batches/{crowd.batches[-1]}").json()["status"] == "completed")
