"""The rights of the service's user, by the policy that deploy/minio/user.sh gives to MinIO, enforced by moto.

MinIO and its `mc` are not to be had here: what the script tells `mc` is written down by a stand-in.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from pydantic import SecretStr

from shared.settings import Settings
from shared.storage import Storage
from tests.compose_files import ROOT
from tests.servers import running_moto

MC = """\
#!/bin/sh
echo "$*" >> calls
case "$*" in
  "admin user info"*) cat attached 2> /dev/null ;;
  "admin policy attach"*) echo "{\\"accessKey\\": \\"$6\\", \\"policyName\\": \\"$5\\"}" > attached ;;
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


@dataclass
class Setup:
    """What the script did, run twice."""

    calls: list[str]
    policy: str


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    folder = tmp_path_factory.mktemp("mc")
    (folder / "mc").write_text(MC)
    (folder / "mc").chmod(0o755)
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "MC_CONFIG_DIR": str(folder / "config"),
        "ENDPOINT": "http://minio:9000",
        "MINIO_ROOT_USER": "admin",
        "MINIO_ROOT_PASSWORD": "of the admin",
        "BUCKET": "pictures",
        "SERVICE_USER": "service",
        "SERVICE_PASSWORD": "of the service",
    }
    for _ in range(2):
        subprocess.run(["sh", str(ROOT / "deploy/minio/user.sh")], env=environment, cwd=folder, check=True)
    return Setup((folder / "calls").read_text().splitlines(), (folder / "config/policy.json").read_text())


def test_the_script_may_run_again(setup: Setup) -> None:
    assert setup.calls.count("admin policy attach store stylequeue-bucket-only --user service") == 1
    assert setup.calls.count("admin user add store service of the service") == 2


@pytest.fixture(scope="module")
def users_settings(setup: Setup, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Of a user with that policy alone, in a server that enforces it."""
    with running_moto(tmp_path_factory.mktemp("moto")) as admin:
        endpoint = str(admin.s3_endpoint_url)
        options = {"endpoint_url": endpoint, "region_name": "us-east-1"}
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        s3, iam = boto3.client("s3", **options, **keys), boto3.client("iam", **options, **keys)
        for bucket in ("pictures", "others"):
            s3.create_bucket(Bucket=bucket)
            s3.put_object(Bucket=bucket, Key="uploads/anna/1", Body=b"a picture")
        iam.create_user(UserName="service")
        iam.put_user_policy(UserName="service", PolicyName="it", PolicyDocument=setup.policy)
        motos = json.dumps(MOTOS_OWN_ACTIONS)
        iam.put_user_policy(UserName="service", PolicyName="motos", PolicyDocument=motos)
        key = iam.create_access_key(UserName="service")["AccessKey"]
        httpx.post(f"{endpoint}/moto-api/reset-auth", content=b"0").raise_for_status()
        yield Settings(
            s3_endpoint_url=endpoint,
            s3_bucket="pictures",
            s3_access_key=SecretStr(key["AccessKeyId"]),
            s3_secret_key=SecretStr(key["SecretAccessKey"]),
        )


def test_the_user_may_do_all_that_the_service_does(users_settings: Settings) -> None:
    storage = Storage(users_settings)
    storage.check()
    storage.put("results/anna/1.jpg", b"painted", "image/jpeg")
    assert storage.exists("results/anna/1.jpg")
    assert storage.get("uploads/anna/1", max_bytes=100) == b"a picture"
    assert list(storage.keys("results/")) == ["results/anna/1.jpg"]
    storage.delete_many(["results/anna/1.jpg"])
    assert list(storage.keys("results/")) == []
    storage.delete("uploads/anna/1")
    assert not storage.exists("uploads/anna/1")


def test_the_user_may_do_nothing_else(users_settings: Settings) -> None:
    settings = users_settings
    keys = {
        "aws_access_key_id": settings.s3_access_key and settings.s3_access_key.get_secret_value(),
        "aws_secret_access_key": settings.s3_secret_key and settings.s3_secret_key.get_secret_value(),
    }
    options = {"endpoint_url": settings.s3_endpoint_url, "region_name": "us-east-1"}
    s3, iam = boto3.client("s3", **options, **keys), boto3.client("iam", **options, **keys)
    refused: dict[str, Callable[[], object]] = {
        "see the other bucket": lambda: s3.list_objects_v2(Bucket="others"),
        "read from it": lambda: s3.get_object(Bucket="others", Key="uploads/anna/1"),
        "make a bucket": lambda: s3.create_bucket(Bucket="another"),
        "list buckets": s3.list_buckets,
        "remove its own": lambda: s3.delete_bucket(Bucket="pictures"),
        "open it to all": lambda: s3.put_bucket_acl(Bucket="pictures", ACL="public-read"),
        "give itself rights": lambda: iam.put_user_policy(
            UserName="service", PolicyName="more", PolicyDocument=json.dumps({"Version": "2012-10-17"})
        ),
    }
    for what, call in refused.items():
        with pytest.raises(ClientError, match="AccessDenied"):
            pytest.fail(f"it may {what}: {call()}")
