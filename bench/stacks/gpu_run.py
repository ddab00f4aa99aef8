"""Batches through a stack on a GPU, and what can be said of them afterwards."""

from __future__ import annotations

import io
import re
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import mean

import httpx
import numpy as np
from PIL import Image

from bench.clients.batch_client import jobs_of, middle_rate, submit, wait_for_batch
from bench.clients.bulk_client import THREADS, JobJson, checked
from bench.measures.cpu_use import CpuUse
from bench.measures.gpu_watch import GpuUse, watched_gpu

BATCH_METRIC = re.compile(r"^stylequeue_batch_pictures_(sum|count)\S* (\S+)", re.MULTILINE)
FLAT = 2.0  # standard deviation of a picture's values, of 255, below which it is black or of one color


@dataclass(frozen=True)
class Stretch:
    """One batch of jobs through the stack."""

    jobs: list[JobJson]  # the succeeded ones
    failed: int
    seconds: float  # from the submission to the end of the batch
    gpu: GpuUse
    pictures_per_call: float  # of the model; 0 if the workers made none
    cpu_ms: dict[str, float]  # a job, by part
    stages_ms: dict[str, float]  # a job, by stage

    @property
    def rate(self) -> float:
        return middle_rate(self.jobs)

    @property
    def pixel_rate(self) -> float:
        results = [job["result"] for job in self.jobs]
        return self.rate * mean(result["width"] * result["height"] for result in results)

    def words(self) -> str:
        """Return one line without the rate."""
        parts = ", ".join(f"{part} {ms:.1f}" for part, ms in self.cpu_ms.items())
        stages = ", ".join(f"{stage} {ms:.0f}" for stage, ms in self.stages_ms.items() if stage != "queue")
        return (
            f"{self.failed} failed; {self.gpu.words()}; {self.pictures_per_call:.1f} pictures a call\n"
            f"    CPU ms a job: {parts}\n    stages, ms: {stages}"
        )


class StackRun:
    """Sends batches through a stack."""

    def __init__(self, client: httpx.Client, metrics_port: int) -> None:
        self._client = client
        self._metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"

    def run(self, jobs: Sequence[JobJson]) -> Stretch:
        calls = self._model_calls()
        with watched_gpu() as gpu:
            cpu, begin = CpuUse(), time.perf_counter()
            batch = submit(self._client, jobs)
            failed = wait_for_batch(self._client, batch)
            seconds = time.perf_counter() - begin
            used = cpu.seconds_by_part()
        pictures, count = (now - before for now, before in zip(self._model_calls(), calls, strict=True))
        done = [job for job in jobs_of(self._client, batch) if job["status"] == "succeeded"]
        total = Counter[str]()
        for job in done:
            total.update(job["result"]["timings_ms"])
        return Stretch(
            done,
            failed,
            seconds,
            gpu,
            pictures / count if count else 0.0,
            {part: 1000 * cpu_seconds / len(jobs) for part, cpu_seconds in used.items()},
            {stage: milliseconds / len(done) for stage, milliseconds in total.items()},
        )

    def flat_pictures(self, jobs: Sequence[JobJson]) -> int:
        """Load the results; return how many are black, of one color, or not of the recorded size."""
        with ThreadPoolExecutor(THREADS) as threads:
            return sum(threads.map(self._is_flat, jobs))

    def _is_flat(self, job: JobJson) -> bool:
        answer = checked(self._client.get(f"/v1/jobs/{job['id']}/result", follow_redirects=True))
        with Image.open(io.BytesIO(answer.content)) as picture:
            result = job["result"]
            right_size = picture.size == (result["width"], result["height"])
            return not right_size or float(np.std(np.asarray(picture.convert("RGB")))) < FLAT

    def _model_calls(self) -> tuple[float, float]:
        """Return the pictures and the calls of the workers' models so far."""
        totals = Counter({"sum": 0.0, "count": 0.0})
        for name, figure in BATCH_METRIC.findall(checked(self._client.get(self._metrics_url)).text):
            totals[name] += float(figure)
        return totals["sum"], totals["count"]
