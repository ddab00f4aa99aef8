"""Starts parts, watches them, starts dead workers again, and stops everything in order."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

from worker.stopping import EXIT_NOT_STARTED
from worker.supervision.errors import PartDied, StackError
from worker.supervision.process import Part, Process, Role, describe_exit
from worker.supervision.pulse import SILENT_SECONDS
from worker.supervision.restarts import Backoff, GivesUp, cannot_start, never
from worker.telemetry.host_metrics import HostMetrics

POLL_SECONDS = 0.05
RESTARTED = (Role.ENGINE, Role.WORKER)  # the roles that are started again when they die
ANSWER_SECONDS = 60  # from a server's start to its first answer; Redis reads its whole log before
PORT_TAKEN = re.compile(r"(address already|connection) in use", re.IGNORECASE)

Report = Callable[[str], None]


class StopAskedFor(Exception):
    """Somebody wants the parts to stop while they are being started or watched."""


@dataclass
class Wishes:
    """The numbers of requests to stop, and to wake drained workers.

    Plain numbers: an Event's lock must not be taken by a signal handler.
    """

    stops: int = 0  # the second means "at once"
    wakes: int = 0  # start drained workers again

    def stop(self) -> None:
        self.stops += 1

    def wake(self) -> None:
        self.wakes += 1


@dataclass
class Member:
    """A part and the process that runs it now."""

    part: Part
    process: Process
    deaths_in_row: int = 0
    start_again_at: float | None = None  # monotonic; None while the process is meant to run
    wakes_before: int | None = None  # `Wishes.wakes` when it stopped on request; None unless it has

    @property
    def rests(self) -> bool:
        return self.wakes_before is not None


@dataclass
class Supervisor:
    """Use it in one thread: the kernel ends every part when the thread that started it ends."""

    folder: Path | None  # the working directory of the parts; None: this process's
    logs: Path | None  # None: parts write where this process writes
    wishes: Wishes
    report: Report
    inherited: tuple[int, ...] = ()
    backoff: Backoff = field(default_factory=Backoff)
    metrics: HostMetrics | None = None  # of all workers, if they are served
    closing: ExitStack = field(default_factory=ExitStack)  # closed after all parts
    wake_hint: str = ""  # how a person starts a drained worker again
    _gives_up: GivesUp = cannot_start
    _members: list[Member] = field(default_factory=list)

    @contextmanager
    def everything_stopped_after(self) -> Iterator[None]:
        """Stop all parts after the block, whatever happens in it; a wish to stop ends it quietly."""
        try:
            yield
        except StopAskedFor:
            pass
        finally:
            self._stop_all()
            self.closing.close()

    def start(self, part: Part) -> Process:
        process = self._launch(part)
        self._members.append(Member(part, process))
        return process

    def process_ids(self, role: Role) -> set[int]:
        running = (member.process for member in self._members if member.part.role is role)
        return {process.pid for process in running if process.exit_code is None}

    def start_server(
        self, build: Callable[[int], Part], ports: Iterable[int], answers: Callable[[int], bool]
    ) -> int:
        """Start a server on the first free port, and wait until it responds there.

        Raises:
            PartDied: it ended, or got none of the ports.
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
        """Watch the parts until `reached()`; raise StackError if that takes longer than `seconds`."""
        give_up_at = time.monotonic() + seconds
        while not reached():
            self.check()
            if time.monotonic() > give_up_at:
                raise StackError(f"{what} was not ready within {seconds:g} s; the logs are in {self.logs}")
            time.sleep(POLL_SECONDS)

    def watch(self, gives_up: GivesUp = never) -> None:
        """Watch the parts until all of them have stopped on request; `gives_up` judges dead workers now.

        Raises:
            StopAskedFor, PartDied: as `check`.
        """
        self._gives_up = gives_up
        while not all(member.rests for member in self._members if member.part.role is not Role.ENGINE):
            self.check()
            time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Look at every part once.

        Raises:
            StopAskedFor: somebody asked for the stop.
            PartDied: a part ended that is not started again.
        """
        if self.wishes.stops:
            raise StopAskedFor
        for member in self._members:
            if member.rests:
                self._wake(member)
            elif member.start_again_at is None:
                self._look_at(member)
            elif time.monotonic() >= member.start_again_at:
                member.process, member.start_again_at = self._launch(member.part), None

    def _launch(self, part: Part) -> Process:
        log = self.logs / f"{part.name}.log" if self.logs else None
        process = Process(part, self.folder, log, self.inherited)
        if part.role in RESTARTED and self.metrics:
            self.metrics.started()
        return process

    def _look_at(self, member: Member) -> None:
        code = member.process.exit_code
        if code is None:
            self._end_if_silent(member.process)
            return
        member.process.kill_session()
        if member.part.role not in RESTARTED:
            raise PartDied(_obituary(member.process, code))
        if self.metrics:
            self.metrics.ended(member.process.pid, died=code != 0)
        if code == 0:
            self._let_rest(member)
        else:
            self._start_again_later(member, code)

    def _end_if_silent(self, process: Process) -> None:
        if process.part.pulse and process.part.pulse.is_silent():
            self.report(f"{process.part.name} has been silent for {SILENT_SECONDS:g} s and is killed")
            process.kill_session()

    def _let_rest(self, member: Member) -> None:
        """Leave a part down that was stopped or drained, until it is woken."""
        member.wakes_before, member.deaths_in_row = self.wishes.wakes, 0
        self.report(f"{member.part.name} stopped on request, and stays down{self.wake_hint}")

    def _wake(self, member: Member) -> None:
        if self.wishes.wakes != member.wakes_before:
            member.wakes_before = None
            member.process = self._launch(member.part)
            self.report(f"{member.part.name} is started again")

    def _start_again_later(self, member: Member, code: int) -> None:
        worked = code != EXIT_NOT_STARTED and member.process.lived_seconds >= self.backoff.reset_seconds
        member.deaths_in_row = 1 if worked else member.deaths_in_row + 1
        if self._gives_up(code, member.deaths_in_row):
            raise PartDied(_obituary(member.process, code))
        delay = self.backoff.delay_seconds(member.deaths_in_row)
        member.start_again_at = time.monotonic() + delay
        log = f" (log: {member.process.log})" if member.process.log else ""
        self.report(f"{_story(member.process, code)}; starting it again in {delay:g} s{log}")

    def _stop_all(self) -> None:
        """Stop role by role, the last started first."""
        for _, members in groupby(reversed(self._members), key=lambda member: member.part.role):
            self._stop([member.process for member in members])
        self._members = []

    def _stop(self, processes: Sequence[Process]) -> None:
        """Ask as often as this process was asked, then kill the processes that exceed their time."""
        asked, begin = 0, time.monotonic()
        while any(_may_go_on(process, begin) for process in processes):
            if asked < max(self.wishes.stops, 1):
                asked += 1
                for process in processes:
                    process.ask_to_stop(again=asked > 1)
            time.sleep(POLL_SECONDS)
        for process in processes:
            process.kill()


def _may_go_on(process: Process, asked_at: float) -> bool:
    return process.exit_code is None and time.monotonic() < asked_at + process.part.stop_seconds


def _story(process: Process, code: int) -> str:
    """Return the program's own sentence, if it wrote one."""
    sentence = process.last_sentence()
    return f"{process.part.name}: {sentence}" if sentence else f"{process.part.name} {describe_exit(code)}"


def _obituary(process: Process, code: int) -> str:
    story = _story(process, code)
    if process.log is None:
        return story
    if process.last_sentence():
        return f"{story} (log: {process.log})"
    tail = process.log_tail() or "(it wrote nothing)"
    return f"{story}. The end of {process.log}:\n{tail}"
