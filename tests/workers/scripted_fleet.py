"""`stylequeue worker --processes N` with a scripted model.

It is run as `python -m tests.workers.scripted_fleet N ENGINES`.
"""

from __future__ import annotations

import os
import sys

from shared.settings import settings_or_exit
from tests.stacks.fault_stack import SCRIPTED, SCRIPTED_ENGINE
from worker.fleet import run_fleet
from worker.layout import Layout
from worker.telemetry.host_metrics import HostMetrics

if __name__ == "__main__":
    metrics = HostMetrics()
    metrics.serve(settings_or_exit())
    layout = Layout(int(sys.argv[1]), intra_op_threads=1, gpus=0, engines=int(sys.argv[2]))
    sys.exit(run_fleet(layout, os.environ, metrics, SCRIPTED, SCRIPTED_ENGINE))
