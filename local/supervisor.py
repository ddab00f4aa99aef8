"""Starts the parts of a stack, watches them, starts workers again, and stops everything in order."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

from local.errors import PartDied, StackError
from local.process import Part, Process, Role, describe_exit
from worker.stopping import EXIT_NOT_STARTED
from worker.telemetry.host_metrics import HostMetrics

POLL_SECONDS = 0.05
ANSWER_SECONDS = 60  # from a server's start to its first answer; Redis reads its whole log before
FAILED_STARTS = 3  # a worker that dies so often before the stack is ready will not live later
PORT_TAKEN = re.compile(r"(address already|connection) in use", re.IGNORECASE)

Report = Callable[[str], None]


class StopAskedFor(Exception):
    """Somebody wants the stack to stop while it is being started or watched."""


@dataclass
class Wishes:
    """Counts how often somebody asked a stack to stop, the second time at once, and to start drained workers.

    Plain numbers: an Event's lock must not be taken by a signal handler.
    """

    stops: int = 0
    wakes: int = 0

    def stop(self) -> None:
        self.stops += 1

    def hurry(self) -> bool:
        return self.stops > 1

    def wake(self) -> None:
        self.wakes += 1


@dataclass(frozen=True)
class Backoff:
    """How long a dead worker stays down: doubled with each death in a row, forgotten after a long life."""

    first_seconds: float = 1
    limit_seconds: float = 30
    reset_seconds: float = 60

    def delay_seconds(self, deaths_in_row: int) -> float:
        return float(min(self.limit_seconds, self.first_seconds * 2 ** (deaths_in_row - 1)))


@dataclass
class Member:
    """A part and the process that runs it now."""

    part: Part
    process: Process
    deaths_in_row: int = 0
    start_again_at: float | None = None  # monotonic; None while the process is meant to run
    wakes_before: int | None = None  # wishes to wake that came before it was drained; None while it is not


@dataclass
class Supervisor:
    """Use it in one thread: the kernel ends every part when the thread that started it ends."""

    folder: Path
    logs: Path
    wishes: Wishes
    report: Report
    inherited: tuple[int, ...] = ()
    backoff: Backoff = Backoff()
    metrics: HostMetrics | None = None  # of all workers, if somebody serves them
    _members: list[Member] = field(default_factory=list)
    _ready: bool = False

    @contextmanager
    def everything_stopped_after(self) -> Iterator[None]:
        """Whatever happens inside, no part is left; a wish to stop ends the block quietly."""
        try:
            yield
        except StopAskedFor:
            pass
        finally:
            self._stop_all()
            if self.metrics:
                self.metrics.close()

    def start(self, part: Part) -> Process:
        process = self._launch(part)
        self._members.append(Member(part, process))
        return process

    def process_ids(self, role: Role) -> set[int]:
        """Of the parts that run now."""
        running = (member.process for member in self._members if member.part.role is role)
        return {process.pid for process in running if process.exit_code is None}

    def start_server(
        self, build: Callable[[int], Part], ports: Iterable[int], answers: Callable[[int], bool]
    ) -> int:
        """Starts a server on the first of the ports that it can have, and waits until it answers there.

        Raises:
            PartDied: it ended, or no port could be had.
        """
        refusal: PartDied | None = None
        for port in ports:
            process = self.start(build(port))
            try:
                self.wait_until(partial(answers, port), process.part.name, ANSWER_SECONDS)
            except PartDied as death:
                if process.exit_code is None or not PORT_TAKEN.search(process.log_tail()):
                    raise
                self._members = [member for member in self._members if member.process is not process]
                refusal = death
            else:
                return port
        raise refusal or StackError("No port was given")

    def wait_until(self, reached: Callable[[], bool], what: str, seconds: float) -> None:
        """Watches the parts until `reached()`; raises StackError when that takes longer than `seconds`."""
        give_up_at = time.monotonic() + seconds
        while not reached():
            self.check()
            if time.monotonic() > give_up_at:
                raise StackError(f"{what} was not ready within {seconds:g} s; the logs are in {self.logs}")
            time.sleep(POLL_SECONDS)

    def watch(self) -> None:
        """Everything is up: from now on workers may die as often as they like. Ends by an exception only."""
        self._ready = True
        while True:
            self.check()
            time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """One look at every part.

        Raises:
            StopAskedFor: somebody has.
            PartDied: one ended that is not started again.
        """
        if self.wishes.stops:
            raise StopAskedFor
        for member in self._members:
            if member.wakes_before is not None:
                self._wake(member)
            elif member.start_again_at is None:
                self._look_at(member)
            elif time.monotonic() >= member.start_again_at:
                member.process, member.start_again_at = self._launch(member.part), None

    def _launch(self, part: Part) -> Process:
        process = Process(part, self.folder, self.logs / f"{part.name}.log", self.inherited)
        if part.role is Role.WORKER and self.metrics:
            self.metrics.started()
        return process

    def _look_at(self, member: Member) -> None:
        code = member.process.exit_code
        if code is None:
            return
        member.process.kill_session()
        if member.part.role is not Role.WORKER:
            raise PartDied(_obituary(member.process, code))
        if self.metrics:
            self.metrics.ended(member.process.pid, died=code != 0)
        if code == 0 and self._ready:
            self._let_rest(member)
        else:
            self._start_again_later(member, code)

    def _let_rest(self, member: Member) -> None:
        """A worker that was told to stop, or drained, stays down until somebody wants it back."""
        member.wakes_before, member.deaths_in_row = self.wishes.wakes, 0
        self.report(
            f"{member.part.name} stopped as it was told, and stays down; "
            f"to start it again: kill -USR1 {os.getpid()}, or 'stylequeue up' anew"
        )

    def _wake(self, member: Member) -> None:
        if self.wishes.wakes != member.wakes_before:
            member.wakes_before = None
            member.process = self._launch(member.part)
            self.report(f"{member.part.name} is started again")

    def _start_again_later(self, member: Member, code: int) -> None:
        lived_long = member.process.lived_seconds >= self.backoff.reset_seconds
        member.deaths_in_row = 1 if lived_long else member.deaths_in_row + 1
        hopeless = code == EXIT_NOT_STARTED or member.deaths_in_row >= FAILED_STARTS
        if hopeless and not self._ready:
            raise PartDied(_obituary(member.process, code))
        delay = self.backoff.delay_seconds(member.deaths_in_row)
        member.start_again_at = time.monotonic() + delay
        story = _story(member.process, code)
        self.report(f"{story}; starting it again in {delay:g} s (log: {member.process.log})")

    def _stop_all(self) -> None:
        """Role by role, the last started first."""
        for _, members in groupby(reversed(self._members), key=lambda member: member.part.role):
            processes = [member.process for member in members]
            for process in processes:
                process.ask_to_stop()
            asked_at = time.monotonic()
            for process in processes:
                process.wait_or_kill(asked_at + process.part.stop_seconds, self.wishes.hurry)
        self._members = []


def _story(process: Process, code: int) -> str:
    """The program's own sentence, if it said one."""
    sentence = process.last_sentence()
    return f"{process.part.name}: {sentence}" if sentence else f"{process.part.name} {describe_exit(code)}"


def _obituary(process: Process, code: int) -> str:
    if process.last_sentence():
        return f"{_story(process, code)} (log: {process.log})"
    tail = process.log_tail() or "(it wrote nothing)"
    return f"{_story(process, code)}. The end of {process.log}:\n{tail}"
