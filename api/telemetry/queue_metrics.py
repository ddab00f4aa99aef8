"""Metrics of the queue, read from Redis at each scrape. Every API process reports the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import redis
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from shared.errors import QueueUnavailable
from shared.store.counts.queue_state import QueueState
from shared.store.counts.tallies import Tallies, read_tallies
from shared.store.redis.health import RedisHealth, look_at_redis
from shared.store.workers import WorkerRegistry
from shared.wire.descriptors import Lane
from shared.wire.operations.queue_records import LaneState
from shared.wire.records import WorkerInfo

LaneNumbers = Mapping[str, float]


class QueueMetrics(Collector):
    """A collector that needs four round trips to Redis per scrape, whatever the queue holds."""

    def __init__(self, connection: redis.Redis, workers: WorkerRegistry, worker_seen_seconds: float) -> None:
        self._connection = connection
        self._queue_state = QueueState(connection)
        self._workers = workers
        self._worker_seen_seconds = worker_seen_seconds

    def collect(self) -> Iterable[Metric]:
        """Return the metrics; without Redis only `stylequeue_redis_up`."""
        try:
            found = [
                *_of_lanes(self._queue_state.look()),
                *_of_workers(self._workers.alive(self._worker_seen_seconds)),
                *_of_tallies(read_tallies(self._connection)),
                *_of_redis(look_at_redis(self._connection)),
            ]
        except QueueUnavailable:
            found = []
        text = "1 if Redis answered this scrape, else 0."
        return [GaugeMetricFamily("stylequeue_redis_up", text, bool(found)), *found]


def _of_lanes(states: Sequence[LaneState]) -> Iterator[Metric]:
    yield _by_lane(
        "stylequeue_queue_waiting_jobs",
        "Jobs that no worker holds, including those that wait for another attempt.",
        {state.lane: state.queued for state in states},
    )
    yield _by_lane(
        "stylequeue_queue_running_jobs",
        "Jobs that a worker holds.",
        {state.lane: state.held for state in states},
    )
    yield _by_lane(
        "stylequeue_queue_oldest_waiting_seconds",
        "Waiting time of the oldest job that could start; 0 without such a job.",
        {state.lane: state.oldest_seconds or 0 for state in states},
    )
    yield _by_lane(
        "stylequeue_queue_paused",
        "1 while an operator keeps the lane's jobs from starting.",
        {state.lane: state.paused for state in states},
    )


def _of_workers(workers: Sequence[WorkerInfo]) -> Iterator[Metric]:
    taking = [worker for worker in workers if not worker.draining]
    yield _family(
        "stylequeue_workers",
        "Worker processes with a recent heartbeat.",
        "state",
        {"up": len(taking), "draining": len(workers) - len(taking)},
    )
    yield _family(
        "stylequeue_worker_slots",
        "Job slots of the workers with a recent heartbeat, busy or free.",
        "state",
        {
            "busy": sum(worker.busy for worker in workers),
            "free": sum(worker.slots - worker.busy for worker in taking),
        },
    )
    yield _by_lane(
        "stylequeue_lane_workers",
        "Worker processes that take jobs of the lane.",
        {lane: sum(lane in worker.lanes for worker in taking) for lane in Lane},
    )


def _of_tallies(tallies: Tallies) -> Iterator[Metric]:
    ended = CounterMetricFamily("stylequeue_jobs_ended", "Jobs that ended.", labels=("lane", "outcome"))
    for (lane, status), number in tallies.ended.items():
        ended.add_metric((lane, status), number)
    failed = CounterMetricFamily("stylequeue_jobs_failed", "Jobs that failed, by error.", labels=("code",))
    for code, number in tallies.failed.items():
        failed.add_metric((code,), number)
    lost = CounterMetricFamily(
        "stylequeue_leases_lost", "Jobs that were taken from silent workers.", labels=("lane",)
    )
    for lane, number in tallies.leases_lost.items():
        lost.add_metric((lane,), number)
    pixels = CounterMetricFamily(
        "stylequeue_painted_pixels", "Pixels of the pictures that jobs ended with.", tallies.pixels
    )
    device = CounterMetricFamily(
        "stylequeue_device_seconds", "Time of jobs on the model.", tallies.device_seconds
    )
    files = CounterMetricFamily(
        "stylequeue_image_bytes", "Bytes of image files that jobs read and wrote.", labels=("direction",)
    )
    for direction, number in tallies.image_bytes.items():
        files.add_metric((direction,), number)
    return iter((ended, failed, lost, pixels, device, files))


def _of_redis(health: RedisHealth) -> Iterator[Metric]:
    yield GaugeMetricFamily("stylequeue_redis_memory_bytes", "Memory that Redis uses.", health.memory_bytes)
    yield GaugeMetricFamily(
        "stylequeue_redis_memory_limit_bytes",
        "Redis' maxmemory; 0 means no limit.",
        health.memory_limit_bytes,
    )
    yield GaugeMetricFamily(
        "stylequeue_redis_may_evict",
        "1 if Redis may throw jobs away, because its maxmemory-policy is not noeviction.",
        health.may_evict,
    )
    if health.sweep_age_seconds is not None:
        yield GaugeMetricFamily(
            "stylequeue_last_sweep_age_seconds", "Seconds since the last sweep.", health.sweep_age_seconds
        )


def _by_lane(name: str, text: str, numbers: LaneNumbers) -> Metric:
    return _family(name, text, "lane", numbers)


def _family(name: str, text: str, label: str, numbers: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for word, number in numbers.items():
        family.add_metric((word,), number)
    return family
