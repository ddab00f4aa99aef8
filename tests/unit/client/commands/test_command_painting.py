"""The options of `stylequeue submit` for painting, and its output of losses."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from rich.console import Console

from client.commands.batch_tables import batch_summary
from client.commands.loss_watch import LossWatch
from shared.wire.batch_records import BatchView
from shared.wire.loss_records import LossSummary
from shared.wire.params import Params
from tests.losses import values
from tests.stacks.servers import wait_until
from tests.unit.batch_service import BatchService, batch_view
from tests.unit.client_server import URL, Answer, Request, Wire, job, problem
from tests.unit.command_service import on_a_terminal, run
from worker.model.loss_statistics import LossStatistics

STEP = {"stage": "optimize", "fraction": 0.5, "iteration": 75, "iterations": 150}
STEP |= {"seconds_left": 130.0}
STEP |= {"losses": {"iteration": 75, "content": 1.5, "style": 2.5, "total": 4.0}}  # type: ignore[dict-item]
IN_WORDS = "step 75 of 150: total 4 (content 1.5, style 2.5), about 2 min left"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


# --- the options --------------------------------------------------------------------------------------


def test_the_wishes_of_a_minimization_reach_the_jobs_and_its_lane(
    bulk: BatchService, photos: Path, out: Path
) -> None:
    wishes = ["--method", "optimize", "--alpha", "2", "--beta", "500", "--iterations", "40", "--levels", "2"]
    wishes += ["--init", "noise", "--seed", "7", "--total-variation", "0.5", "--max-seconds", "60"]
    result = run(bulk.url, "submit", photos / "cat.jpg", "--style", URL, "--out", out, *wishes)
    assert result.exit_code == 0, result.output
    assert "512 px: about 2 min" in result.output  # 40 steps on two levels
    (line,) = bulk.submitted
    assert line["lane"] == "optimize"
    assert line["params"] == {
        "method": "optimize", "alpha": 2.0, "beta": 500.0, "iterations": 40, "levels": 2,
        "init": "noise", "seed": 7, "total_variation": 0.5, "max_seconds": 60,
    }  # fmt: skip


@pytest.mark.parametrize("wishes", [["--losses"], ["--method", "optimize"]])
def test_a_request_for_losses_is_told_where_they_are(
    bulk: BatchService, photos: Path, out: Path, wishes: list[str]
) -> None:
    submit = ["submit", photos / "cat.jpg", "--style", URL, "--out", out]
    result = run(bulk.url, *submit, *wishes)
    status = f"stylequeue --api {bulk.url} batch status batch-1"
    assert f"To see the mean and the spread of their losses:\n\n    {status}\n" in result.output


def test_without_a_request_nothing_is_shown_of_losses(bulk: BatchService, photos: Path, out: Path) -> None:
    assert "losses" not in run(bulk.url, "submit", photos, "--style", URL, "--out", out).output
    assert all("params" not in line for line in bulk.submitted)


@pytest.mark.parametrize(
    ("wishes", "option", "why"),
    [
        (["--iterations", "10"], "--iterations", "only to method 'optimize'"),
        (["--max-seconds", "10"], "--max-seconds", "only to method 'optimize'"),
        (["--alpha", "2"], "--alpha", "only to method 'optimize' or with `losses`"),
        (["--method", "optimize", "--strength", "0.5"], "--strength", "only to method 'fast'"),
        (["--method", "optimize", "--iterations", "0"], "--iterations", "not in the range 1<=x<=2000"),
        (["--method", "optimize", "--total-variation", "-1"], "--total-variation", "not in the range 0<=x"),
        (["--losses", "--beta", "nan"], "--beta", "finite number"),
        (["--method", "slow"], "--method", "'slow'"),
    ],
)
def test_wishes_that_do_not_go_together_name_the_option_before_anything_is_sent(
    bulk: BatchService, photos: Path, out: Path, wishes: list[str], option: str, why: str
) -> None:
    result = run(bulk.url, "submit", photos, "--style", URL, "--out", out, *wishes)
    assert result.exit_code == 2
    message = " ".join(result.output.split())
    assert f"Invalid value for '{option}'" in message or f"Invalid value for {option}" in message
    assert why in message
    assert bulk.requests == []
    assert not out.exists()


def test_every_member_of_the_params_has_an_option(bulk: BatchService) -> None:
    words = run(bulk.url, "submit", "--help").output.split()
    assert {f"--{name.replace('_', '-')}" for name in Params.model_fields} <= set(words)


def test_a_single_job_says_only_what_differs_from_the_defaults(wire: Wire) -> None:
    """A default size is not sent, so a service with a lower limit does not refuse it."""
    wire.service.on("POST /v1/jobs", Answer(202, job()))
    wire.queue.submit(URL, URL, params=Params(method="optimize"))
    (post,) = wire.service.asked("POST /v1/jobs")
    assert b'"params":{"method":"optimize"}' in post.body


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_watch_whose_connections_are_closed_ends_in_silence() -> None:
    with Wire() as wire:
        wire.service.on("GET /v1/jobs", Answer(200, {"jobs": []}))
        LossWatch(wire.queue, "batch_1", every_seconds=0.01).__enter__()
        wait_until(lambda: wire.service.requests, 10, "its first look")
        (thread,) = [thread for thread in threading.enumerate() if thread.name == "losses"]
    thread.join(10)
    assert not thread.is_alive()


# --- what is seen ---------------------------------------------------------------------------------------


def shown(batch: BatchView) -> str:
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(batch_summary(batch))
    return capture.get()


def losses_of(*pictures: tuple[float, float]) -> LossSummary:
    losses = LossStatistics()
    for content, style in pictures:
        losses.add(values(content, style))
    summary = losses.summary()
    assert summary is not None
    return summary


def test_the_status_of_a_batch_has_mean_and_spread_of_its_losses() -> None:
    losses = losses_of((2.0, 1.0), (6.0, 2.0)).model_dump()
    text = shown(BatchView.model_validate({**batch_view("completed", 3, 2), "losses": losses}))
    assert "content 1 ± 0.5 per element" in text
    assert "style 6 ± 2 per element" in text
    assert "total 1504 ± 502, of 2 picture(s)" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "losses" not in shown(BatchView.model_validate(batch_view("completed", 3, 2)))


def test_the_watch_shows_the_last_step_of_the_job_that_runs(wire: Wire) -> None:
    running = Answer(200, {"jobs": [job("running", progress=STEP)]})
    refused = problem(403, "forbidden", "Not now.")
    wire.service.on("GET /v1/jobs", running, refused, refused, Answer(200, {"jobs": []}))
    with LossWatch(wire.queue, "batch_1", every_seconds=0.01) as watch:
        wait_until(lambda: watch.text == IN_WORDS, 10, "the first look")
        wait_until(lambda: watch.text == "", 10, "the end of the job")
    asked = wire.service.asked("GET /v1/jobs")
    assert len(asked) >= 4  # a refusal is another request's to report
    assert asked[0].query == {"status": "running", "limit": "1", "batch_id": "batch_1"}


class Minimizing(BatchService):
    """One job that runs until somebody looks at its losses."""

    def __init__(self) -> None:
        super().__init__()
        self.ending = 0
        self.looks = 0

    def _list(self, _: Request) -> Answer:
        self.looks += 1
        if self.looks > 1:
            self.ending = 1
        return Answer(200, {"jobs": [job("running", progress=STEP)]})


def test_elsewhere_a_line_tells_each_quarter_once(wire: Wire) -> None:
    unknown = {**STEP, "seconds_left": None, "fraction": 0.1}
    answers = [unknown, {**STEP, "fraction": 0.2}, {**STEP, "fraction": 0.24}, STEP]
    wire.service.on(
        "GET /v1/jobs", *(Answer(200, {"jobs": [job("running", progress=each)]}) for each in answers)
    )
    lines: list[str] = []
    with LossWatch(wire.queue, "batch_1", lines.append, every_seconds=0.01):
        wait_until(lambda: len(wire.service.asked("GET /v1/jobs")) >= len(answers) + 2, 10, "all looks")
    assert lines == [IN_WORDS] * 2


def test_on_a_terminal_the_losses_move_beside_the_bar(photos: Path, out: Path) -> None:
    with Minimizing() as service:
        submit = ["submit", photos / "cat.jpg", "--style", URL, "--out", out, "--method", "optimize"]
        exit_code, output = on_a_terminal(160, "--api", service.url, *submit)
    assert exit_code == 0, output
    assert IN_WORDS in output
    assert "1 of 1 picture(s) saved" in output
