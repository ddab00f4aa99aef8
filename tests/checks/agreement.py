"""Checks that hold for all records, indexes and counters in Redis after every step."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import cast

import redis
from pydantic_core import from_json

from shared.policy.inputs import uploads_of
from shared.scheduling.cost import USUAL_COST
from shared.wire.batch_records import BATCH_FINAL, BatchStatus
from shared.wire.descriptors import Stylization
from shared.wire.records import FINAL, JobStatus
from shared.wire.webhook_records import DeliveryStatus

Fields = Mapping[str, str]
HELD = {JobStatus.RUNNING, JobStatus.CANCELING}
UNFINISHED = set(JobStatus) - FINAL
ENDED = {BatchStatus.FINALIZING, BatchStatus.COMPLETED, BatchStatus.CANCELED}


def assert_counters_agree(connection: redis.Redis) -> None:
    """Assert that counters agree with the records, and that each job is in the lists of its status and in no
    other.
    """
    jobs, batches = _records(connection, "sq:job:"), _records(connection, "sq:batch:")
    _check_counters(connection, jobs, batches)
    _check_indexes(connection, jobs, batches)
    _check_places(connection, jobs, batches)
    _check_costs(connection, jobs)
    _check_caps(connection, jobs)
    _check_states(connection, jobs, batches)
    _check_deliveries(connection, set(jobs) | set(batches))
    _check_objects(connection, jobs)
    _check_usage(connection, jobs, batches)
    _check_accounts(connection, jobs)
    _check_tags(connection, jobs)


def _check_counters(
    connection: redis.Redis, jobs: Mapping[str, Fields], batches: Mapping[str, Fields]
) -> None:
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    of_batches = {batch_id: Counter[str]() for batch_id in batches}
    for job in jobs.values():
        expected["sq:counts:" + job["owner"]][job["status"]] += 1
        expected["sq:load"][f"{job['lane']}:{job['status']}"] += 1
        if "batch_id" in job:
            of_batches[job["batch_id"]][job["status"]] += 1
    counters = {key: _numbers(_fields(connection, key)) for key in keys(connection, "sq:counts:*")}
    counters["sq:load"] = _numbers(_fields(connection, "sq:load"))
    assert {key: counts for key, counts in counters.items() if counts} == expected
    tallies = _numbers(_fields(connection, "sq:tallies"))  # of what ended; some may have gone since
    for word, number in expected["sq:load"].items():
        assert word.rpartition(":")[2] not in FINAL or tallies[f"ended:{word}"] >= number, word
    statuses = set(JobStatus)
    found = {batch_id: _numbers(batch, statuses) for batch_id, batch in batches.items()}
    assert found == of_batches


def _check_indexes(
    connection: redis.Redis, jobs: Mapping[str, Fields], batches: Mapping[str, Fields]
) -> None:
    seen = {batch_id: batch for batch_id, batch in batches.items() if "deleted" not in batch}
    for kind, records in (("jobs", jobs), ("batches", seen)):
        index = {key: set(members(connection, key)) for key in keys(connection, f"sq:{kind}:*")}
        expected: dict[str, set[str]] = defaultdict(set)
        for record_id, record in records.items():
            expected[f"sq:{kind}:{record['owner']}"].add(record_id)
        assert index == expected
    dead: dict[str, set[str]] = defaultdict(set)
    held: dict[str, set[str]] = defaultdict(set)
    ended = {batch_id for batch_id, batch in batches.items() if batch["status"] in BATCH_FINAL}
    for job_id, job in jobs.items():
        if job["status"] == JobStatus.FAILED:
            dead["sq:dead:" + job["owner"]].add(job_id)
        if job["status"] in FINAL and "batch_id" not in job:
            ended.add(job_id)
        if "process" in job:
            assert job["status"] in HELD
            held["sq:held:" + job["process"]].add(job_id)
    assert {key: set(members(connection, key)) for key in keys(connection, "sq:dead:*")} == dead
    assert {key: connection.smembers(key) for key in keys(connection, "sq:held:*")} == held
    assert set(members(connection, "sq:ended")) == ended
    for job_id in members(connection, "sq:deadlines"):
        assert jobs[job_id]["status"] == JobStatus.QUEUED


def _check_places(connection: redis.Redis, jobs: Mapping[str, Fields], batches: Mapping[str, Fields]) -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for kind in ("line:*", "scheduled:*", "dispatched:*", "parked:*", "leases"):
        for key in keys(connection, "sq:" + kind):
            for job_id in members(connection, key):
                places[job_id].append(key)
    assert set(places) <= set(jobs)
    for job_id, job in jobs.items():
        lane, line = job["lane"], f"sq:line:{job['lane']}:{job.get('batch_id', job['owner'])}"
        if job["status"] == JobStatus.QUEUED:
            (place,) = places[job_id]
            assert place in {line, f"sq:scheduled:{lane}", f"sq:dispatched:{lane}", f"sq:parked:{lane}"}
            if place == line:
                assert _will_be_found(connection, job, batches)
        else:
            assert places[job_id] == (["sq:leases"] if job["status"] in HELD else [])


def _check_costs(connection: redis.Redis, jobs: Mapping[str, Fields]) -> None:
    """Check that each lane's cost is the sum of its jobs' costs."""
    found: dict[str, int] = {}
    known = set[str]()
    for line in keys(connection, "sq:line:*"):
        name = line.removeprefix("sq:line:")
        costs = _fields(connection, "sq:costs:" + name)
        known |= {"sq:costs:" + name} if costs else set()
        found |= dict.fromkeys(members(connection, line), int(costs.get("base", USUAL_COST)))
        for cost in set(costs) - {"base"}:
            dear = f"sq:dear:{name}:{cost}"
            known.add(dear)
            assert set(connection.zrange(dear, 0, -1, withscores=True)) <= set(
                connection.zrange(line, 0, -1, withscores=True)
            )
            found |= dict.fromkeys(members(connection, dear), int(cost))
    assert found == {job_id: int(jobs[job_id].get("cost", USUAL_COST)) for job_id in found}
    assert {*keys(connection, "sq:costs:*"), *keys(connection, "sq:dear:*")} <= known


def _will_be_found(connection: redis.Redis, job: Fields, batches: Mapping[str, Fields]) -> bool:
    """Return whether a job that waits in the store is offered to the dispatcher, or will be canceled or
    removed.
    """
    owner, lane = job["owner"], job["lane"]
    has_turn = any(connection.zscore(f"sq:{kind}:{lane}", owner) is not None for kind in ("turns", "capped"))
    if "batch_id" not in job:
        return has_turn
    batch = batches[job["batch_id"]]
    offered = connection.zscore(f"sq:batchline:{lane}:{owner}", job["batch_id"]) is not None
    match batch["status"]:
        case BatchStatus.RUNNING if "paused_ms" in batch and "cancel_ms" not in batch:
            return not offered
        case BatchStatus.RUNNING if "cancel_ms" not in batch:
            return has_turn and offered
        case BatchStatus.RUNNING:
            return not offered and bool(connection.sismember("sq:canceling", job["batch_id"]))
        case BatchStatus.VALIDATING:
            return not offered
    return not offered and bool(connection.sismember("sq:discarding", job["batch_id"]))


def _check_caps(connection: redis.Redis, jobs: Mapping[str, Fields]) -> None:
    """Check that an owner that rests has a running job, whose end brings the owner back."""
    holding = {job["owner"] for job in jobs.values() if job["status"] in HELD}
    for key in keys(connection, "sq:capped:*"):
        assert set(members(connection, key)) <= holding & connection.smembers("sq:resting"), key


def _check_states(connection: redis.Redis, jobs: Mapping[str, Fields], batches: Mapping[str, Fields]) -> None:
    """Check that a batch runs while one of its jobs does, and is on the list of each step that
    it waits for.
    """
    unfinished = Counter(job.get("batch_id") for job in jobs.values() if job["status"] in UNFINISHED)
    for batch_id, batch in batches.items():
        if batch["status"] not in (BatchStatus.VALIDATING, BatchStatus.FAILED):
            assert (
                batch["status"] == BatchStatus.RUNNING if unfinished[batch_id] else batch["status"] in ENDED
            )
        assert ("finished_ms" in batch) == (batch["status"] in BATCH_FINAL)
        ended = {job_id for job_id, job in jobs.items() if job.get("batch_id") == batch_id} & {
            job_id for job_id, job in jobs.items() if job["status"] in FINAL
        }
        assert ended <= set(connection.lrange("sq:done:" + batch_id, 0, -1))
    for status in (BatchStatus.VALIDATING, BatchStatus.FINALIZING):
        listed = set(members(connection, f"sq:{status}"))
        assert listed == {
            batch_id
            for batch_id, batch in batches.items()
            if batch["status"] == status and "deleted" not in batch
        }
    for to_do in ("sq:canceling", "sq:discarding", "sq:moving"):
        assert set(connection.smembers(to_do)) <= set(batches)


def _check_deliveries(connection: redis.Redis, subjects: set[str]) -> None:
    """Check that each is in its owner's and its subject's list and in that of its status, and in no other."""
    deliveries = _records(connection, "sq:delivery:")
    expected: dict[str, set[str]] = defaultdict(set)
    for delivery_id, delivery in deliveries.items():
        expected["sq:deliveries:" + delivery["owner"]].add(delivery_id)
        if "subject" in delivery:
            assert delivery["subject"] in subjects
            expected["sq:deliveries_of:" + delivery["subject"]].add(delivery_id)
        pending = delivery["status"] == DeliveryStatus.PENDING
        assert ("next_ms" in delivery) == pending
        where = "sq:outbox:" + delivery["host"] if pending else "sq:settled:" + delivery["owner"]
        expected[where].add(delivery_id)
    kinds = ("deliveries:*", "deliveries_of:*", "outbox:*", "settled:*")
    found = [key for kind in kinds for key in keys(connection, "sq:" + kind)]
    assert {key: set(members(connection, key)) for key in found} == expected
    hosts = {key.removeprefix("sq:outbox:") for key in keys(connection, "sq:outbox:*")}
    assert hosts <= set(members(connection, "sq:outboxes"))
    for key in keys(connection, "sq:sending:*"):
        assert set(members(connection, key)) <= set(deliveries)


def _check_objects(connection: redis.Redis, jobs: Mapping[str, Fields]) -> None:
    """Check that uploads are counted as often as jobs name them."""
    generation = cast("str | None", connection.get("sq:generation")) or "1"
    counted = {job_id: job for job_id, job in jobs.items() if job.get("counted") == generation}
    assert int(cast("str | None", connection.get("sq:counted")) or 0) == len(counted)
    named: Counter[str] = Counter()
    for job in counted.values():
        named.update(uploads_of(Stylization.model_validate_json(job["request"]), _folder(job)))
    assert {name: int(number) for name, number in _fields(connection, "sq:named").items()} == named
    assert not {f"uploads/{upload}" for upload in named} & set(members(connection, "sq:removing"))


def _folder(job: Fields) -> str:
    """Return the name below which the job's objects lie."""
    return job.get("adopted_from", job["owner"])


def _check_usage(connection: redis.Redis, jobs: Mapping[str, Fields], batches: Mapping[str, Fields]) -> None:
    """Check that the counters of quotas agree with the records."""
    taken: Counter[str] = Counter()
    for record in (*jobs.values(), *batches.values()):
        taken[record["owner"]] += int(record.get("bytes", 0))
    assert _numbers(_fields(connection, "sq:record_bytes")) == +taken
    stored: Counter[str] = Counter()
    for job in jobs.values():
        if "stored" in job:
            assert int(job["stored"]) == from_json(job["result"])["bytes"]
            stored[job["owner"]] += int(job["stored"])
    for upload, size in _fields(connection, "sq:upload_bytes").items():
        stored[upload.partition("/")[0]] += int(size)
    assert _numbers(_fields(connection, "sq:stored")) == stored
    for key in keys(connection, "sq:announced:*"):
        assert set(members(connection, key)) <= set(members(connection, "sq:uploads"))
    for key in keys(connection, "sq:idempotency:*"):
        name = key.removeprefix("sq:idempotency:")
        assert connection.zscore("sq:idempotent:" + name.partition(":")[0], name) is not None


def _check_accounts(connection: redis.Redis, jobs: Mapping[str, Fields]) -> None:
    """Check that the owners' accounts add up to the totals, and have what the records have."""
    sums: Counter[str] = Counter()
    for key in keys(connection, "sq:account:*"):
        owner, _, day = key.removeprefix("sq:account:").partition(":")
        assert connection.zscore("sq:accounted", owner) >= int(day)  # type: ignore[operator]
        for field, number in _numbers(_fields(connection, key)).items():
            sums[field.partition(":")[2]] += number
    totals: Counter[str] = Counter()
    for word, number in _numbers(_fields(connection, "sq:tallies")).items():
        kind, _, what = word.partition(":")
        if kind in ("ended", "used"):
            totals[what.rpartition(":")[2]] += number
    assert sums == totals
    of_records: Counter[str] = Counter()
    for job in jobs.values():
        of_records.update({what: int(job.get(what, 0)) for what in ("device_us", "bytes_in")})
        if job["status"] == JobStatus.SUCCEEDED:
            result = from_json(job["result"])
            of_records["pixels"] += result["width"] * result["height"]
            of_records["bytes_out"] += result["bytes"]
    assert of_records <= sums  # some records may have gone since


def _check_tags(connection: redis.Redis, jobs: Mapping[str, Fields]) -> None:
    """Check that the index by tag has the jobs that it says it has, with all of their tags."""
    expected: dict[str, set[str]] = defaultdict(set)
    indexed: Counter[str] = Counter()
    for job_id, job in jobs.items():
        if "indexed" in job:
            indexed[job["owner"]] += 1
            for tag in from_json(job.get("tags", "[]")):
                expected[f"sq:tagged:{job['owner']}:{tag}"].add(job_id)
    assert {key: set(members(connection, key)) for key in keys(connection, "sq:tagged:*")} == expected
    assert _numbers(_fields(connection, "sq:indexed")) == indexed


def keys(connection: redis.Redis, pattern: str) -> list[str]:
    return sorted(cast("list[str]", connection.keys(pattern)))


def members(connection: redis.Redis, key: str) -> list[str]:
    """Return the members of a sorted set, in its order."""
    return cast("list[str]", connection.zrange(key, 0, -1))


def _fields(connection: redis.Redis, key: str) -> Fields:
    return cast("dict[str, str]", connection.hgetall(key))


def _records(connection: redis.Redis, prefix: str) -> dict[str, Fields]:
    found = keys(connection, prefix + "*")
    with connection.pipeline(transaction=False) as pipeline:
        for key in found:
            pipeline.hgetall(key)
        fields = cast("list[dict[str, str]]", pipeline.execute())
    return {key.removeprefix(prefix): each for key, each in zip(found, fields, strict=True)}


def _numbers(fields: Fields, names: Iterable[str] | None = None) -> Counter[str]:
    """Return the counters that are not 0; none may be negative."""
    numbers = {name: int(fields[name]) for name in (names or fields) if name in fields}
    assert all(number >= 0 for number in numbers.values()), numbers
    return Counter({name: number for name, number in numbers.items() if number})
