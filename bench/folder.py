"""A folder of photographs in two styles: `stylequeue submit`, killed in the middle, then `stylequeue resume`.

It runs on a real local stack. In between, as many other photographs are painted without an interruption.
After the resume each picture must exist once, and repeating the command must submit nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.clients.bulk_client import connected, listed_jobs, wait_for_workers
from bench.clients.folder_command import Ended, faults, results_in, run, run_and_kill
from bench.clients.pictures import make_photos
from bench.measures.report import Pair, Report, alternately, median_ratio
from bench.measures.scratch import scratch_folder
from bench.stacks.subject import default_layout, environment
from local.stack import LocalStack
from samples import style_paths

PHOTOS, SIZE, STYLES = 200, (256, 192), 2
WARM_UP_PHOTOS = 20
KILLED_AT = 1 / 3  # of the pictures
SIGKILLED = -9


@dataclass
class Folders:
    """Folders of different photographs, so that no upload is known before."""

    client: httpx.Client
    scratch: Path
    photos: int
    say: Callable[[str], None]
    faults: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def words(self, name: str, photos: int, seed: int) -> tuple[list[str], Path]:
        folder, out = self.scratch / name, self.scratch / f"{name}-out"
        make_photos(folder, photos, seed, SIZE)
        styles = [word for path in style_paths()[:STYLES] for word in ("--style", str(path))]
        return ["--api", str(self.client.base_url), "submit", str(folder), *styles, "--out", str(out)], out

    def warm_up(self) -> None:
        self._in_one_go("warm-up", WARM_UP_PHOTOS, -1)

    def in_one_go(self, number: int) -> float:
        return self._in_one_go(f"whole-{number}", self.photos, 2 * number).seconds

    def killed_and_resumed(self, number: int) -> float:
        """Return the seconds of the killed submit and of the resume together."""
        expected = STYLES * self.photos
        words, out = self.words(f"killed-{number}", self.photos, 2 * number + 1)
        killed = run_and_kill(words, out, int(expected * KILLED_AT))
        there = len(results_in(out))
        resumed = run("--api", str(self.client.base_url), "resume", str(out))
        jobs = self._new_jobs()
        found = [*faults(out, jobs, expected), *_wrong(killed, SIGKILLED), *_wrong(resumed, 0)]
        again = run(*words)
        found += _wrong(again, 0)
        found += [f"job {job['id']} came with the same command" for job in self._new_jobs()]
        self.say(
            f"round {number + 1}: killed after {killed.seconds:.1f} s with {there} of {expected} pictures, "
            f"resumed in {resumed.seconds:.1f} s; then {len(results_in(out))} files and {len(jobs)} jobs; "
            f"the same command again took {again.seconds:.1f} s and said: {again.said.splitlines()[0]}"
        )
        self._note(found)
        return killed.seconds + resumed.seconds

    def _in_one_go(self, name: str, photos: int, seed: int) -> Ended:
        words, out = self.words(name, photos, seed)
        ended = run(*words)
        self._note([*_wrong(ended, 0), *faults(out, self._new_jobs(), STYLES * photos)])
        return ended

    def _new_jobs(self) -> list[dict[str, object]]:
        """Return the jobs that were created since the last call."""
        jobs = [job for job in listed_jobs(self.client) if job["id"] not in self.known]
        self.known.update(str(job["id"]) for job in jobs)
        return jobs

    def _note(self, found: list[str]) -> None:
        self.faults += found
        for fault in found:
            self.say(f"NOT AS IT SHOULD BE: {fault}")


def _wrong(ended: Ended, code: int) -> list[str]:
    return [] if ended.code == code else [f"exit code {ended.code} instead of {code}: {ended.said[-500:]}"]


def main() -> None:
    arguments = _arguments()
    report = Report("folder")
    with (
        scratch_folder() as scratch,
        LocalStack(scratch / "stack", environment=environment()) as stack,
        connected(stack.url) as client,
    ):
        wait_for_workers(client, default_layout().processes)
        folders = Folders(client, scratch, arguments.photos, report.say)
        folders.warm_up()
        pairs = alternately(
            folders.killed_and_resumed,
            folders.in_one_go,
            arguments.rounds,
            lambda number, pair: report.say(_line(number, pair)),
        )
    ratio = median_ratio(pairs)
    pictures = STYLES * arguments.photos
    state = "each picture once" if not folders.faults else f"{len(folders.faults)} FAULTS"
    report.say(f"{pictures} pictures, killed and resumed: {state}, in {ratio:.2f} x the time of one go")
    report.finish(
        ratio, pairs, unit="s", ratio_is="submit until SIGKILL and resume / submit in one go",
        pictures=pictures, faults=folders.faults, within=not folders.faults,
    )  # fmt: skip


def _line(number: int, pair: Pair) -> str:
    figures = f"with the kill {pair.ours:.1f} s, in one go {pair.theirs:.1f} s, ratio {pair.ratio:.2f}"
    return f"round {number + 1}: {figures} (others took {pair.others:.2f} cores)"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photos", type=int, default=PHOTOS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
