"""`python -m worker.engine.command SOCKET PULSE`: the program of an engine; its supervisor starts it.

Both arguments are descriptors that it inherits: of the socket on which it listens, and of the pipe into which
it writes as long as it is well (worker/supervision/pulse.py).
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

import structlog

from shared.errors import StyleQueueError
from shared.settings import Settings, settings_or_exit
from shared.telemetry.logs import configure_logs
from worker.engine.server import EngineServer
from worker.layout import calls_at_once
from worker.model.bands.limits import Scratch
from worker.model.batched_model import BatchedModel, Model
from worker.model.lazy import Lazily
from worker.model.loading import load_model, load_original
from worker.model.memory import model_budget_bytes
from worker.painting.original import Original
from worker.stopping import not_started, wait_while
from worker.supervision.pulse import BEAT_SECONDS, beat
from worker.telemetry.gpu import gpu_facts
from worker.telemetry.metrics import MODEL_LOAD_SECONDS

SERVICE = "engine"
GPU_CALLS = 2  # the next batch is gathered and copied while one runs
GPU_SHARE = 0.9  # of the free memory of a GPU, for all calls


def run_engine(load: Callable[[Settings, int], Model], load_original: Callable[[Settings], Original]) -> None:
    """Load the model, then serve until SIGTERM, and after that until the last hand has gone."""
    listener, pulse = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    settings = settings_or_exit()
    configure_logs(settings, SERVICE)
    stop_signals: list[int] = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: stop_signals.append(number))
    try:
        model = _loaded(settings, load)
    except StyleQueueError as error:
        raise not_started(error) from error
    server = EngineServer(model, Lazily(lambda: load_original(settings)), gpu_facts)
    threading.Thread(target=_accept, args=(server, listener), name="accept", daemon=True).start()

    def is_needed() -> bool:
        return not stop_signals or len(server) > 0

    while is_needed():
        if server.longest_call_seconds() < settings.job_timeout_seconds:
            beat(pulse)
        wait_while(is_needed, BEAT_SECONDS)
    os._exit(0)  # threads of TensorFlow may hang at the interpreter's end


def _loaded(settings: Settings, load: Callable[[Settings, int], Model]) -> BatchedModel:
    begin, calls = time.perf_counter(), calls_at_once(settings.intra_op_threads)
    model = load(settings, calls)
    seconds = time.perf_counter() - begin
    MODEL_LOAD_SECONDS.observe(seconds)
    gpu = gpu_facts() if model.device.startswith("gpu") else None
    calls = GPU_CALLS if model.device.startswith("gpu") else calls
    memory_bytes = model_budget_bytes(settings.memory_budget_bytes, settings.processes_per_host * calls)
    if gpu and not settings.memory_budget_bytes:
        memory_bytes = int((gpu.memory_total_bytes - gpu.memory_used_bytes) * GPU_SHARE / calls)
    structlog.get_logger().info(
        "model loaded", model=settings.model, device=model.device, calls=calls, seconds=round(seconds, 2)
    )
    return BatchedModel(model, memory_bytes, calls, Scratch(settings.scratch_dir, settings.scratch_bytes))


def _accept(server: EngineServer, listener: socket.socket) -> None:
    while True:
        server.accept(listener)


if __name__ == "__main__":
    run_engine(load_model, load_original)
