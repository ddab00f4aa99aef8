"""An engine whose accelerator is simulated: `python -m bench.stacks.simulated_engine SOCKET PULSE`."""

from __future__ import annotations

from bench.stacks.simulated_worker import SimulatedStylizer, load_simulated
from shared.settings import Settings
from worker.engine.command import run_engine
from worker.model.loading import load_original


def load(settings: Settings, _calls: int) -> SimulatedStylizer:
    return load_simulated(settings)


if __name__ == "__main__":
    run_engine(load, load_original)
