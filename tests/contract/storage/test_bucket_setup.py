"""`stylequeue storage setup`, on a server with lifecycle rules (moto) and on one without (rclone)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result

from client.command import main
from shared.settings import Settings
from shared.storage.bucket_setup import BucketSetup, result_days
from shared.storage.client import s3_client
from shared.storage.objects import Storage
from shared.store.audit_log import AuditLog
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.operations.audit_records import AuditAction, AuditFilter
from tests.checks.agreement import members
from tests.stacks.ports import free_port
from tests.stacks.servers import running_moto

DAY = 24 * 3600


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with running_moto(tmp_path_factory.mktemp("moto")) as settings:
        yield settings


def setup(settings: Settings, **changes: object) -> Result:
    chosen = settings.model_copy(update=changes)
    return CliRunner().invoke(main, ["storage", "setup"], env=chosen.to_environment())


def rules(settings: Settings, bucket: str) -> dict[str, Any]:
    client = s3_client(settings, settings.s3_endpoint_url)
    found = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    return {rule["ID"]: rule for rule in found}


def test_a_new_bucket_is_created_with_rules_and_the_rights_are_tried(moto: Settings) -> None:
    result = setup(moto, s3_bucket="fresh", retention_seconds=3 * DAY)
    assert result.stdout.splitlines() == [
        "bucket fresh: created",
        "lifecycle rule stylequeue-results: objects under results/ are removed after 13 days",
        "lifecycle rule stylequeue-multipart: parts of incomplete uploads are removed after 2 days",
        "rights: write, upload, find, read, list, delete, miss an object: tried, all granted",
    ]
    assert rules(moto, "fresh")["stylequeue-results"]["Expiration"] == {"Days": 13}
    storage = Storage(moto.model_copy(update={"s3_bucket": "fresh"}))
    assert list(storage.keys("")) == []


def test_done_again_it_changes_nothing_and_follows_the_settings(moto: Settings) -> None:
    first = setup(moto, s3_bucket="again")
    again = setup(moto, s3_bucket="again")
    assert again.stdout == first.stdout.replace("created", "is there")
    assert set(rules(moto, "again")) == {"stylequeue-results", "stylequeue-multipart"}
    setup(moto, s3_bucket="again", retention_seconds=0)
    assert set(rules(moto, "again")) == {"stylequeue-multipart"}


def test_rules_of_others_stay(moto: Settings) -> None:
    BucketSetup(moto.model_copy(update={"s3_bucket": "shared"})).create()
    theirs = {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}
    s3_client(moto, moto.s3_endpoint_url).put_bucket_lifecycle_configuration(
        Bucket="shared", LifecycleConfiguration={"Rules": [theirs]}
    )
    setup(moto, s3_bucket="shared")
    assert set(rules(moto, "shared")) == {"logs", "stylequeue-results", "stylequeue-multipart"}


def test_a_result_outlives_its_record_by_as_long_as_its_batch_may_run() -> None:
    assert result_days(30 * DAY) == 67
    assert result_days(3600) == 9


def test_a_server_without_rules_is_named_and_no_failure(s3_settings: Settings) -> None:
    result = setup(s3_settings)
    assert result.exit_code == 0
    bucket, lifecycle, rights = result.stdout.splitlines()
    assert bucket == "bucket stylequeue: is there"
    assert lifecycle.startswith("lifecycle rules: this server does not support them (BucketAlreadyExists)")
    assert rights.endswith("tried, all granted")


def test_with_only_the_api_installed_the_module_is_the_command(s3_settings: Settings) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "api.commands.storage_command", "setup"],
        cwd=Path(__file__).parents[3],
        env=s3_settings.to_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout.splitlines()[0]) == (0, "bucket stylequeue: is there")


def test_wrong_keys_and_no_server_are_one_sentence(s3_settings: Settings) -> None:
    stranger = Settings(
        s3_endpoint_url=s3_settings.s3_endpoint_url, s3_access_key="someone", s3_secret_key="else-entirely"
    )
    assert setup(stranger).output == "Error: The S3 credentials may not create or see the bucket\n"
    nowhere = setup(s3_settings, s3_endpoint_url=f"http://127.0.0.1:{free_port()}")
    assert nowhere.exit_code == 1
    assert nowhere.output == "Error: The storage does not respond (EndpointConnectionError)\n"


def test_uploads_that_redis_does_not_know_are_adopted_once(
    s3_settings: Settings, redis_url: str, connection: redis.Redis
) -> None:
    settings = s3_settings.model_copy(update={"redis_url": redis_url, "s3_bucket": "adopted"})
    BucketSetup(settings).create()
    for key in (f"uploads/anna/{'a' * 64}", f"uploads/bert/{'b' * 64}", "uploads/not-ours.txt"):
        Storage(settings).put(key, b"a picture", "image/png")
    outputs = [
        CliRunner().invoke(main, ["storage", "adopt"], env=settings.to_environment()).output for _ in range(2)
    ]
    assert outputs == [
        f"{number} uploads adopted; they are removed after 7 days unless used\n" for number in (2, 0)
    ]
    assert members(connection, "sq:uploads") == [f"anna/{'a' * 64}", f"bert/{'b' * 64}"]


def test_the_audit_log_has_what_the_commands_did_and_a_silent_redis_stops_none(
    s3_settings: Settings, redis_url: str, connection: redis.Redis
) -> None:
    settings = s3_settings.model_copy(update={"redis_url": redis_url, "s3_bucket": "audited"})
    assert setup(settings).exit_code == 0
    CliRunner().invoke(main, ["storage", "adopt"], env=settings.to_environment())
    entries = AuditLog(connection).page(ALL_OWNERS, AuditFilter(), limit=9).entries
    assert [(each.action, each.subject) for each in entries] == [
        (AuditAction.UPLOADS_ADOPTED, "audited"),
        (AuditAction.STORAGE_SET_UP, "audited"),
    ]
    assert all(each.actor and each.actor.command_line for each in entries)
    without = setup(settings, redis_url="redis://127.0.0.1:1/0")
    assert (without.exit_code, "The audit log did not take this" in without.stderr) == (0, True)
