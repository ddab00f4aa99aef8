"""A stack whose model only copies, for `bench.pipeline`; it ends when its input ends.

It is run as a file inside any checkout of this project, and then starts that checkout's parts. So it uses
only what older checkouts have too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.servers import running_servers
from bench.simulated_worker import CALL_SECONDS_VARIABLE, GATE_VARIABLE
from worker.layout import layout


def main(folder: str, workers: str) -> None:
    gate = Path(folder) / "gate"
    gate.touch()
    copying = {CALL_SECONDS_VARIABLE: "0", GATE_VARIABLE: str(gate)}
    chosen = layout(int(workers))
    with running_servers(Path(folder) / "stack", {}) as servers:
        for index in range(chosen.processes):
            variables = chosen.environment(index) | copying
            servers.start_worker("bench.simulated_worker", f"worker-{index + 1}", variables)
        print(json.dumps({"api": servers.url, "redis": servers.settings.redis_url}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
