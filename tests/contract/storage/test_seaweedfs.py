"""SeaweedFS, as docker-compose.yml starts it, lets nobody past S3's keys."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import grpc
import pytest

from shared.settings import Settings
from shared.storage.bucket_setup import BucketSetup
from shared.storage.objects import Storage
from tests.stacks.seaweedfs import free_ports, running_seaweedfs

REMOVE_USER = "/messaging_pb.SeaweedS3IamCache/RemoveIdentity"
USER_API = b"\x0a\x03api"  # protobuf: field 1, three bytes
PORTS = free_ports()


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Settings]]:
    with running_seaweedfs(tmp_path_factory.mktemp("seaweedfs"), ports=PORTS) as found:
        yield found


def listens_beyond_127_0_0_1(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.2", port)) == 0


def test_only_s3_listens_beyond_the_container(users: dict[str, Settings]) -> None:
    assert {name for name, port in PORTS.items() if listens_beyond_127_0_0_1(port)} == {
        "s3.port",
        "s3.port.grpc",
    }


def test_nobody_changes_users_by_grpc(users: dict[str, Settings]) -> None:
    """Without the certificates that its script names, SeaweedFS would remove the user."""
    with (
        grpc.insecure_channel(f"127.0.0.1:{PORTS['s3.port.grpc']}") as channel,
        pytest.raises(grpc.RpcError) as refusal,
    ):
        channel.unary_unary(REMOVE_USER)(USER_API, timeout=10)
    assert refusal.value.code() == grpc.StatusCode.UNAVAILABLE
    Storage(users["api"]).check()


def test_it_takes_the_lifecycle_rules(users: dict[str, Settings]) -> None:
    rules = list(BucketSetup(users["root"]).set_lifecycle())
    assert len(rules) == 2
    assert not any("does not support" in rule for rule in rules)
