"""Every fault of a soak; each lasts a little while."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Mapping
from functools import partial

from tests.faults.wires.http_proxy import S3Fault
from tests.faults.wires.redelivery import BULK, push_copies
from tests.faults.wires.redis_troubles import failing_disk, full_memory, kill_and_restart, replica_of_nobody
from tests.stacks.fault_stack import LEASE_SECONDS, FaultStack

SHORT_SECONDS, LONG_SECONDS = 0.2, 2 * LEASE_SECONDS
STOP_SECONDS = 60

Fault = Callable[[FaultStack, random.Random], object]


def kill_a_worker(stack: FaultStack, chance: random.Random) -> None:
    for worker in chance.sample(stack.ready_workers(), min(1, len(stack.ready_workers()))):
        worker.die()


def kill_all_workers(stack: FaultStack, chance: random.Random) -> None:
    for worker in stack.ready_workers():
        worker.die()


def stop_a_worker(stack: FaultStack, chance: random.Random) -> None:
    for worker in chance.sample(stack.ready_workers(), min(1, len(stack.ready_workers()))):
        worker.stop(STOP_SECONDS)


def freeze_a_worker(stack: FaultStack, chance: random.Random) -> None:
    for worker in chance.sample(stack.ready_workers(), min(1, len(stack.ready_workers()))):
        worker.send(signal.SIGSTOP)
        _last(stack, chance)
        worker.send(signal.SIGCONT)


def freeze_redis(stack: FaultStack, chance: random.Random) -> None:
    stack.redis.send(signal.SIGSTOP)
    _last(stack, chance)
    stack.redis.send(signal.SIGCONT)


def kill_the_api(stack: FaultStack, chance: random.Random) -> None:
    stack.api.die()
    stack.api.start_again()
    stack.until_api_answers()


def kill_s3(stack: FaultStack, chance: random.Random) -> None:
    stack.s3.die()
    _last(stack, chance)
    stack.s3.start_again()
    stack.until_s3_answers()


def disturb_a_wire(method: str, stack: FaultStack, chance: random.Random) -> None:
    """Call this method of TcpProxy on one of the wires."""
    wire = chance.choice([stack.worker_wire, stack.api_wire])
    getattr(wire, method)()
    _last(stack, chance)
    wire.heal()


def slow_wires(stack: FaultStack, chance: random.Random) -> None:
    stack.worker_wire.delay_seconds = stack.api_wire.delay_seconds = chance.uniform(0.01, 0.2)
    _last(stack, chance)
    stack.worker_wire.heal()
    stack.api_wire.heal()


def disturb_s3(fault: S3Fault, stack: FaultStack, chance: random.Random) -> None:
    stack.s3_proxy.inject(fault, share=chance.choice([0.1, 0.5, 1.0]))
    _last(stack, chance)
    stack.s3_proxy.heal()


def refuse_writes(stack: FaultStack, chance: random.Random) -> None:
    with chance.choice([full_memory, replica_of_nobody, failing_disk])(stack):
        _last(stack, chance)


def lose_all_messages(stack: FaultStack, chance: random.Random) -> None:
    stack.connection.delete(BULK)


def _last(stack: FaultStack, chance: random.Random) -> None:
    """Wait for as long as this fault lasts."""
    stack.let_pass(chance.uniform(SHORT_SECONDS, LONG_SECONDS))


FAULTS: Mapping[str, Fault] = {
    "a worker is killed": kill_a_worker,
    "all workers are killed": kill_all_workers,
    "a worker is stopped": stop_a_worker,
    "a worker is frozen": freeze_a_worker,
    "Redis is killed": lambda stack, _: kill_and_restart(stack),
    "Redis is frozen": freeze_redis,
    "Redis refuses writes": refuse_writes,
    "the API is killed": kill_the_api,
    "S3 is killed": kill_s3,
    "wires are slow": slow_wires,
    "messages come again": lambda stack, _: push_copies(stack),
    "messages are lost": lose_all_messages,
    **{f"a wire: {method}": partial(disturb_a_wire, method) for method in ("cut", "freeze", "reset")},
    **{f"S3: {fault}": partial(disturb_s3, fault) for fault in S3Fault},
}
