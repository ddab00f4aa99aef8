"""A stack whose model only copies, for `bench.pipeline`; it ends when its input ends.

It is run as a file inside any checkout of this project, and then starts that checkout's parts. So it uses
only what older checkouts have too.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from worker.layout import Layout, layout

if TYPE_CHECKING:
    from bench.stacks.servers import Servers

ROOM = (
    "bench.stacks" if importlib.util.find_spec("bench.stacks") else "bench"
)  # older checkouts have one folder
WORKER, ENGINE = f"{ROOM}.simulated_worker", f"{ROOM}.simulated_engine"


def main(folder: str, workers: str) -> None:
    gate = Path(folder) / "gate"
    gate.touch()
    simulated = importlib.import_module(WORKER)
    copying = {simulated.CALL_SECONDS_VARIABLE: "0", simulated.GATE_VARIABLE: str(gate)}
    chosen = layout(int(workers))
    with importlib.import_module(f"{ROOM}.servers").running_servers(Path(folder) / "stack", {}) as servers:
        for index, told in enumerate(environments(servers, chosen, copying)):
            servers.start_worker(WORKER, f"worker-{index + 1}", told)
        print(json.dumps({"api": servers.url, "redis": servers.settings.redis_url}), flush=True)
        sys.stdin.read()


def environments(servers: Servers, chosen: Layout, copying: dict[str, str]) -> list[dict[str, str]]:
    """Start the engines, if this checkout has them; return each worker's environment."""
    everyone = {**servers.children, **copying}
    plain = [{**everyone, **chosen.environment(index)} for index in range(chosen.processes)]
    if importlib.util.find_spec(ENGINE) is None:
        return plain
    fleet = importlib.import_module("worker.fleet")
    started: list[Any] = fleet.start_engines(servers.supervisor, chosen, everyone, ENGINE)
    if hasattr(fleet, "socket_of"):  # older checkouts return the sockets of the engines
        return [{**told, **fleet.socket_of(index, started)} for index, told in enumerate(plain)]
    return [{**everyone, **told} for told in started]


if __name__ == "__main__":
    main(*sys.argv[1:])
