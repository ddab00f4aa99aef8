"""Workers on another machine, and a network between it and Redis that loses packets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.faults.wires.tcp_proxy import TcpProxy
from tests.stacks.fault_stack import LEASE_SECONDS, FaultStack
from tests.system.hosts.networks import HERE, Network, network

MANY_ATTEMPTS = 20
LOST_PERCENT = 10


def start_far_worker(stack: FaultStack, net: Network, wire_to_s3: TcpProxy) -> None:
    """Start a worker that reaches Redis itself over the network, and S3 as well."""
    stack.connection.config_set("bind", f"127.0.0.1 {HERE}")
    redis_url = stack.settings.redis_url.replace("127.0.0.1", HERE)
    stack.start_workers(
        1,
        wrapper=net.there,
        STYLEQUEUE_REDIS_URL=redis_url,
        STYLEQUEUE_S3_ENDPOINT_URL=f"http://{HERE}:{wire_to_s3.port}",
        NO_PROXY=HERE,
        no_proxy=HERE,
    )


def test_a_network_that_loses_packets_loses_no_job(stack: FaultStack, crowd: Crowd) -> None:
    with network() as net:
        wire_to_s3 = TcpProxy(stack.s3_port, HERE)
        start_far_worker(stack, net, wire_to_s3)
        stack.until_workers_are_there()
        net.lose(LOST_PERCENT)
        crowd.send_good(40, milliseconds=40, max_attempts=MANY_ATTEMPTS)
        stack.until(lambda: crowd.ended() >= 10)  # it is slow, and it works
        net.heal()
        Verdict(crowd).assert_all_succeeded()
        assert [worker.starts for worker in stack.workers] == [1]
        wire_to_s3.close()


@pytest.mark.parametrize("partition", [Network.lose_what_comes, Network.lose_what_goes])
def test_a_network_that_is_dead_in_one_direction_loses_no_job(
    stack: FaultStack, crowd: Crowd, partition: Callable[[Network], None]
) -> None:
    with network() as net:
        wire_to_s3 = TcpProxy(stack.s3_port, HERE)
        start_far_worker(stack, net, wire_to_s3)
        stack.until_workers_are_there()
        crowd.send_good(60, milliseconds=60, max_attempts=MANY_ATTEMPTS)
        stack.until(lambda: crowd.ended() >= 5)
        partition(net)
        stack.let_pass(LEASE_SECONDS * 1.5)
        stack.start_workers(1)  # on the near machine
        stack.until(lambda: crowd.ended() >= 50)
        net.heal()
        crowd.send_good(20, milliseconds=60, max_attempts=MANY_ATTEMPTS)
        Verdict(crowd).assert_all_succeeded()
        assert [worker.starts for worker in stack.workers] == [1, 1]
        wire_to_s3.close()
