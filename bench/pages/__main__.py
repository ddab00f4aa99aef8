"""Show a batch of 50,000 jobs in a Chromium, and compare others' polls with and without ten such tabs.

No worker runs; all jobs but a few have ended with one picture. Scrolling goes through all of them.
"""

from __future__ import annotations

import argparse
from functools import partial
from statistics import median

from bench.clients.bulk_batches import Batches
from bench.clients.thin_client import ask_for_a_while
from bench.measures.report import Pair, Report, alternately
from bench.measures.scratch import scratch_folder
from bench.pages.ended_batch import ended_batch
from bench.pages.tabs import (
    SIZE,
    empty_caches,
    open_tabs,
    running_browser,
    scrolled_through,
    seconds_to_first_page,
    tab_megabytes,
)
from bench.stacks.servers import running_servers

JOBS, WAITING, TABS, ASKED = 50_000, 8, 10, 100
RATES = {"STYLEQUEUE_MAX_READS_PER_MINUTE": "1000000"}
SETTLE_SECONDS = 3.0
MOST_SECONDS, MOST_MEGABYTES, MOST_RATIO = 1.0, 300, 1.05


def main() -> None:
    arguments = _arguments()
    report, jobs = Report("pages"), arguments.jobs
    with scratch_folder() as scratch, running_servers(scratch / "stack", RATES) as servers:
        batch_id = ended_batch(servers, jobs, WAITING)
        url = f"{servers.url}/batches/{batch_id}"
        batches = Batches(servers.settings.redis_url)
        polls = [f"/v1/jobs/{job_id}" for job_id in batches.job_ids(batch_id, jobs)[:: jobs // ASKED]]
        batches.close()
        with running_browser() as browser:
            first = [seconds_to_first_page(browser, url) for _ in range(arguments.rounds)]
            report.say(f"first pictures after {', '.join(f'{each:.2f}' for each in first)} s")
            with browser.new_context(viewport=SIZE) as context:
                page = context.new_page()
                scrolled = scrolled_through(page, url, f"photo-{jobs - WAITING - 1:06}")
                with_caches = tab_megabytes(browser)
                empty_caches(page)
                megabytes = tab_megabytes(browser)
            report.say(
                f"scrolled through in {scrolled:.0f} s; the tab has {with_caches:.0f} MB, "
                f"and {megabytes:.0f} MB without the browser's caches"
            )
            ask = partial(ask_for_a_while, servers.url, polls, 200, arguments.seconds)

            def with_tabs(_: int) -> float:
                with open_tabs(browser, [url] * TABS, SETTLE_SECONDS):
                    return ask().p50_ms

            pairs = alternately(with_tabs, lambda _: ask().p50_ms, arguments.rounds, partial(_show, report))
    ratio = median(pair.ours for pair in pairs) / median(pair.theirs for pair in pairs)
    within = median(first) <= MOST_SECONDS and megabytes <= MOST_MEGABYTES and ratio <= MOST_RATIO
    report.say(
        f"{'within' if within else 'BEYOND'}: first pictures {median(first):.2f} s (at most {MOST_SECONDS}), "
        f"tab {megabytes:.0f} MB (at most {MOST_MEGABYTES}), polls {ratio:.3f} (at most {MOST_RATIO})"
    )
    report.finish(
        ratio, pairs, unit="ms", ratio_is=f"polls with {TABS} tabs / without", within=within, jobs=jobs,
        first_page_seconds=first, scroll_seconds=scrolled, tab_megabytes=megabytes,
        tab_megabytes_with_caches=with_caches,
    )  # fmt: skip


def _show(report: Report, number: int, pair: Pair) -> None:
    report.say(f"round {number + 1}: polls {pair.ours:.2f} ms with {TABS} tabs, {pair.theirs:.2f} ms without")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement of polls")
    return parser.parse_args()


if __name__ == "__main__":
    main()
