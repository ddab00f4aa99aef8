"""Starts the parts of a stack, watches them, starts workers again, and stops everything in order."""

from __future__ import annotations

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

POLL_SECONDS = 0.05
ANSWER_SECONDS = 60  # from a server's start to its first answer; Redis reads its whole log before
FAILED_STARTS = 3  # a worker that dies so often before the stack is ready will not live later
PORT_TAKEN = re.compile(r"(address already|connection) in use", re.IGNORECASE)

Report = Callable[[str], None]


class StopAskedFor(Exception):
    """Somebody wants the stack to stop while it is being started or watched."""


@dataclass
class StopFlag:
    """How often somebody has asked for the stop; the second time means "at once".

    A plain number: an Event's lock must not be taken by a signal handler.
    """

    requests: int = 0

    def raise_flag(self) -> None:
        self.requests += 1

    def hurry(self) -> bool:
        return self.requests > 1


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


@dataclass
class Supervisor:
    """Use it in one thread: the kernel ends every part when the thread that started it ends."""

    folder: Path
    logs: Path
    stop_flag: StopFlag
    report: Report
    inherited: tuple[int, ...] = ()
    backoff: Backoff = Backoff()
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
        if self.stop_flag.requests:
            raise StopAskedFor
        for member in self._members:
            if member.start_again_at is None:
                self._look_at(member)
            elif time.monotonic() >= member.start_again_at:
                member.process, member.start_again_at = self._launch(member.part), None

    def _launch(self, part: Part) -> Process:
        return Process(part, self.folder, self.logs / f"{part.name}.log", self.inherited)

    def _look_at(self, member: Member) -> None:
        code = member.process.exit_code
        if code is None:
            return
        member.process.kill_session()
        lived_long = member.process.lived_seconds >= self.backoff.reset_seconds
        member.deaths_in_row = 1 if lived_long else member.deaths_in_row + 1
        given_up = not self._ready and member.deaths_in_row >= FAILED_STARTS
        if member.part.role is not Role.WORKER or given_up:
            raise PartDied(_obituary(member.process, code))
        delay = self.backoff.delay_seconds(member.deaths_in_row)
        member.start_again_at = time.monotonic() + delay
        story = f"{member.part.name} {describe_exit(code)}"
        self.report(f"{story}; starting it again in {delay:g} s (log: {member.process.log})")

    def _stop_all(self) -> None:
        """Role by role, the last started first."""
        for _, members in groupby(reversed(self._members), key=lambda member: member.part.role):
            processes = [member.process for member in members]
            for process in processes:
                process.ask_to_stop()
            asked_at = time.monotonic()
            for process in processes:
                process.wait_or_kill(asked_at + process.part.stop_seconds, self.stop_flag.hurry)
        self._members = []


def _obituary(process: Process, code: int) -> str:
    tail = process.log_tail() or "(it wrote nothing)"
    return f"{process.part.name} {describe_exit(code)}. The end of {process.log}:\n{tail}"
