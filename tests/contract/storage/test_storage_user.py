"""The rights of API and workers, by the policies in deploy/storage, enforced by moto and by SeaweedFS.

MinIO and its `mc` are not installed: a stand-in records what the script tells `mc`. moto cannot judge
presigned requests; they need the same rights as the requests that are tried here.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from pydantic import SecretStr

from shared.errors import StorageForbidden
from shared.settings import Settings
from shared.storage.objects import Storage
from tests.stacks.compose_files import ROOT
from tests.stacks.seaweedfs import running_seaweedfs
from tests.stacks.servers import running_moto

MC = """\
#!/bin/sh
echo "$*" >> calls
case "$*" in
  "admin user info"*) cat "attached to $5" 2> /dev/null ;;
  "admin policy attach"*) echo "{\\"accessKey\\": \\"$7\\", \\"policyName\\": \\"$5\\"}" > "attached to $7" ;;
esac
"""


MOTOS_OWN_ACTIONS = {  # S3 asks for s3:ListBucket and s3:GetObject here
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:HeadBucket", "s3:HeadObject"],
            "Resource": ["arn:aws:s3:::pictures*"],
        },
        {  # S3 asks for the right to delete the objects alone
            "Effect": "Allow",
            "Action": ["s3:DeleteObject"],
            "Resource": ["arn:aws:s3:::pictures"],
        },
    ],
}


ROLES = ("api", "worker")


@dataclass
class Setup:
    """The records of the script, run twice."""

    calls: list[str]
    policies: dict[str, str]


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    folder = tmp_path_factory.mktemp("mc")
    (folder / "mc").write_text(MC)
    (folder / "mc").chmod(0o755)
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "MC_CONFIG_DIR": str(folder / "config"),
        "ENDPOINT": "http://minio:9000",
        "S3_ROOT_USER": "admin",
        "S3_ROOT_PASSWORD": "of the admin",
        "BUCKET": "pictures",
    }
    for role in ROLES:
        environment |= {f"{role.upper()}_USER": role, f"{role.upper()}_PASSWORD": f"of the {role}"}
    for _ in range(2):
        subprocess.run(["sh", str(ROOT / "deploy/storage/minio.sh")], env=environment, cwd=folder, check=True)
    policies = {role: (folder / f"config/stylequeue-{role}.json").read_text() for role in ROLES}
    return Setup((folder / "calls").read_text().splitlines(), policies)


@pytest.mark.parametrize("role", ROLES)
def test_the_script_may_run_again(setup: Setup, role: str) -> None:
    assert setup.calls.count(f"admin policy attach store stylequeue-{role} --user {role}") == 1
    assert setup.calls.count(f"admin user add store {role} of the {role}") == 2


@pytest.fixture(scope="module", params=["moto", "seaweedfs"])
def settings_of(
    request: pytest.FixtureRequest, setup: Setup, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Settings]]:
    """Return settings of a user with such a policy alone, on a server that enforces it."""
    folder = tmp_path_factory.mktemp(request.param)
    with on_seaweedfs(folder) if request.param == "seaweedfs" else on_moto(folder, setup.policies) as found:
        yield found


@contextmanager
def on_seaweedfs(folder: Path) -> Iterator[dict[str, Settings]]:
    """Run SeaweedFS by the script of docker-compose.yml, which gives the policies itself."""
    with running_seaweedfs(folder, "pictures") as found:
        fill(boto3.client("s3", **boto_options(found["root"])))
        yield found


def boto_options(settings: Settings) -> dict[str, Any]:
    assert settings.s3_access_key
    assert settings.s3_secret_key
    return {
        "endpoint_url": settings.s3_endpoint_url,
        "region_name": "us-east-1",
        "aws_access_key_id": settings.s3_access_key.get_secret_value(),
        "aws_secret_access_key": settings.s3_secret_key.get_secret_value(),
    }


def fill(s3: Any) -> None:
    for bucket in ("pictures", "others"):
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="uploads/anna/1", Body=b"a picture")
        s3.put_object(Bucket=bucket, Key="results/anna/1.jpg", Body=b"painted")


@contextmanager
def on_moto(folder: Path, policies: dict[str, str]) -> Iterator[dict[str, Settings]]:
    with running_moto(folder) as admin:
        endpoint = str(admin.s3_endpoint_url)
        iam = boto3.client("iam", **boto_options(admin))
        fill(boto3.client("s3", **boto_options(admin)))
        found = {}
        for role in ROLES:
            iam.create_user(UserName=role)
            iam.put_user_policy(UserName=role, PolicyName="it", PolicyDocument=policies[role])
            motos = json.dumps(MOTOS_OWN_ACTIONS)
            iam.put_user_policy(UserName=role, PolicyName="motos", PolicyDocument=motos)
            key = iam.create_access_key(UserName=role)["AccessKey"]
            found[role] = Settings(
                s3_endpoint_url=endpoint,
                s3_bucket="pictures",
                s3_access_key=SecretStr(key["AccessKeyId"]),
                s3_secret_key=SecretStr(key["SecretAccessKey"]),
            )
        httpx.post(f"{endpoint}/moto-api/reset-auth", content=b"0").raise_for_status()
        yield found


def test_the_api_may_do_all_that_it_does(settings_of: dict[str, Settings]) -> None:
    storage = Storage(settings_of["api"])
    storage.check()
    storage.put("uploads/anna/2", b"another", "image/jpeg")
    assert storage.exists("uploads/anna/2")
    assert not storage.exists("uploads/anna/3")
    assert b"".join(storage.stream("results/anna/1.jpg")) == b"painted"
    assert "uploads/anna/1" in set(storage.keys("uploads/"))
    storage.delete_many(["results/anna/2.jpg"])


def test_a_worker_may_do_all_that_it_does(settings_of: dict[str, Settings]) -> None:
    storage = Storage(settings_of["worker"])
    storage.check()
    storage.put("results/anna/3.jpg", b"painted", "image/jpeg")
    storage.put_file("results/anna/batch_1/output.ndjson", io.BytesIO(b"{}"), "application/x-ndjson")
    assert storage.get("uploads/anna/1", max_bytes=100) == b"a picture"
    assert storage.etag("uploads/anna/1")
    storage.delete("results/anna/3.jpg")
    storage.delete("uploads/anna/5")
    assert not storage.exists("results/anna/3.jpg")


def test_neither_writes_what_is_the_others(settings_of: dict[str, Settings]) -> None:
    for role, key in (("api", "results/anna/1.jpg"), ("worker", "uploads/anna/1")):
        with pytest.raises(StorageForbidden):
            Storage(settings_of[role]).put(key, b"forged", "image/jpeg")
    with pytest.raises(StorageForbidden):
        Storage(settings_of["api"]).delete("uploads/anna/1")


@pytest.mark.parametrize("role", ROLES)
def test_nobody_may_do_anything_else(settings_of: dict[str, Settings], role: str) -> None:
    s3 = boto3.client("s3", **boto_options(settings_of[role]))
    refused: dict[str, Callable[[], object]] = {
        "see the other bucket": lambda: s3.list_objects_v2(Bucket="others"),
        "read from it": lambda: s3.get_object(Bucket="others", Key="uploads/anna/1"),
        "make a bucket": lambda: s3.create_bucket(Bucket="another"),
        "remove its own": lambda: s3.delete_bucket(Bucket="pictures"),
        "open it to all": lambda: s3.put_bucket_acl(Bucket="pictures", ACL="public-read"),
    }
    for what, call in refused.items():
        with pytest.raises(ClientError, match="AccessDenied"):
            pytest.fail(f"it may {what}: {call()}")


@pytest.mark.parametrize("role", ROLES)
def test_nobody_sees_the_names_of_other_buckets(settings_of: dict[str, Settings], role: str) -> None:
    """Amazon and moto refuse the request; SeaweedFS lists the buckets that the user may use."""
    s3 = boto3.client("s3", **boto_options(settings_of[role]))
    with suppress(s3.exceptions.ClientError):
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["pictures"]


@pytest.mark.parametrize("role", ROLES)
def test_nobody_gives_itself_rights(settings_of: dict[str, Settings], role: str) -> None:
    """SeaweedFS has no such API, and its response is empty."""
    iam = boto3.client("iam", **boto_options(settings_of[role]))
    with pytest.raises((ClientError, ResponseParserError)):
        iam.put_user_policy(UserName=role, PolicyName="more", PolicyDocument='{"Version": "2012-10-17"}')
