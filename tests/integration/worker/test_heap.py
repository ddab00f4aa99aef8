"""A worker process does not keep the memory of its largest picture."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from worker.images.heap import HUGE_PAGES

PROGRAM = """
import threading
import numpy as np
from shared.settings import Settings
from worker.app import load_model
from worker.images.heap import Heap
from worker.model.memory import rss_bytes

model, heap = load_model(Settings.from_environment(__import__("os").environ)), Heap()
style = model.style_parameters(np.zeros((256, 256, 3), np.uint8))
heap.give_back()
idle, peak, done = rss_bytes(), 0, threading.Event()

def watch():
    global peak
    while not done.wait(0.01):
        peak = max(peak, rss_bytes())

watcher = threading.Thread(target=watch)
watcher.start()
model.paint(np.zeros((1, 1800, 2700, 3), np.uint8), [style])
done.set()
watcher.join()
heap.give_back()
print(idle, peak, rss_bytes())
"""


def test_memory_of_a_large_picture_goes_back_to_the_system(model_cache: Path) -> None:
    own = {"STYLEQUEUE_CACHE_DIR": str(model_cache), "STYLEQUEUE_LOG_LEVEL": "error", **HUGE_PAGES}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=os.environ | own, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    idle, peak, after = map(int, done.stdout.split())
    assert peak - idle > 300_000_000
    assert after - idle < (peak - idle) / 4
