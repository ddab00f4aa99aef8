"""Credentials that end within seconds and change, before an S3 server that checks every signature."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from local.data_folder import DataFolder
from local.s3_server import s3_part, s3_program
from shared.errors import StorageUnavailable
from shared.settings import Settings
from shared.storage.objects import Storage
from tests.faults.wires.http_proxy import HttpProxy, proxy_before
from tests.stacks.key_issuer import KeyIssuer, issuing
from tests.stacks.ports import free_port
from tests.stacks.servers import running, s3_settings, wait_for_s3, wait_until

PAIRS = [(f"key-{number}", f"secret-{number}") for number in range(3)]
SECONDS = 5.0  # a token has half of this left when the next one comes
DATA = b"a picture"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """An rclone that takes every pair of keys, with the service's bucket."""
    folder = tmp_path_factory.mktemp("s3")
    data, port = DataFolder(folder), free_port()
    with data.locked():
        part = s3_part(s3_program(), data, port, data.credentials())
        pairs = ",".join(f'"{key},{secret}"' for key, secret in PAIRS)
        settings = s3_settings(f"http://127.0.0.1:{port}", *PAIRS[0])
        with running(part.command, folder / "rclone.log", {**part.environment, "RCLONE_AUTH_KEY": pairs}):
            wait_for_s3(settings)
            yield settings


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyIssuer]:
    """The only source of credentials that botocore finds."""
    with issuing(PAIRS, SECONDS) as issuer:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in issuer.variables.items():
            monkeypatch.setenv(name, value)
        yield issuer


@pytest.fixture
def gate(server: Settings, issuer: KeyIssuer) -> Iterator[HttpProxy]:
    """A proxy before S3 that refuses tokens when they have ended; rclone knows no tokens."""
    with proxy_before(server) as gate:
        gate.own_answer = issuer.refusal
        yield gate


@pytest.fixture
def keyless(server: Settings, gate: HttpProxy) -> Settings:
    changes = {
        "s3_endpoint_url": f"http://127.0.0.1:{gate.port}",
        "s3_access_key": None,
        "s3_secret_key": None,
    }
    return server.model_copy(update=changes)


def use(storage: Storage, key: str) -> None:
    """Read and write in each way that the service has."""
    storage.put(key, DATA, "image/png")
    assert storage.get(key, max_bytes=100) == DATA
    assert storage.exists(key)
    assert key in storage.keys(key)
    assert b"".join(storage.stream(key)) == DATA
    digest = hashlib.sha256(DATA).hexdigest()
    url, headers = storage.presigned_put(key, "image/png", len(DATA), digest)
    assert httpx.put(url, headers=headers, content=DATA).is_success
    assert httpx.get(storage.presigned_get(key, "image/png")).content == DATA
    storage.send_deletes(storage.presigned_deletes([key], 60))
    assert not storage.exists(key)


def test_a_storage_outlives_its_keys_and_no_request_carries_one_that_has_ended(
    keyless: Settings, issuer: KeyIssuer
) -> None:
    storage = Storage(keyless)

    def all_pairs_were_used() -> bool:
        use(storage, "results/anna/outlives.png")
        return len(issuer.used) >= len(PAIRS)

    wait_until(all_pairs_were_used, what="the use of every pair of keys")
    assert issuer.refused == 0


def test_a_presigned_url_ends_with_the_token_and_says_so(keyless: Settings, issuer: KeyIssuer) -> None:
    storage = Storage(keyless)
    storage.put("results/anna/url.png", DATA, "image/png")
    url = storage.presigned_get("results/anna/url.png", "image/png")
    query = parse_qs(urlsplit(url).query)
    end = issuer.ends[int(query["X-Amz-Security-Token"][0].removeprefix("token-"))]
    assert 1 <= int(query["X-Amz-Expires"][0]) <= SECONDS
    assert 1 <= storage.url_seconds() <= SECONDS
    assert httpx.get(url).content == DATA
    wait_until(lambda: datetime.now(UTC) > end, what="the token's end")
    assert httpx.get(url).status_code in {400, 403}


def test_a_url_signed_with_fixed_keys_works_as_long_as_the_setting_says(server: Settings) -> None:
    assert Storage(server).url_seconds() == server.presigned_url_seconds


def test_a_source_that_gives_no_new_keys_is_a_sentence_until_it_does(
    keyless: Settings, issuer: KeyIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(keyless)
    storage.check()
    monkeypatch.setattr(time, "sleep", lambda _: None)  # botocore's pauses between its tries
    issuer.closed = True
    with pytest.raises(StorageUnavailable, match=r"^The S3 credentials cannot be renewed: 'container-role'"):
        storage.check()
    issuer.closed, issuer.seconds = False, -1  # from now on all have ended when they come
    issuer.ends.append(datetime.now(UTC))
    with pytest.raises(StorageUnavailable, match="those that botocore got have ended already"):
        storage.get("results/anna/none.png", max_bytes=1)
    issuer.seconds = SECONDS
    storage.check()


def test_a_fixed_token_that_has_ended_is_a_sentence_that_names_the_settings(
    keyless: Settings, issuer: KeyIssuer
) -> None:
    key, secret = PAIRS[0]
    issuer.ends.append(datetime.now(UTC))
    changes = {"s3_access_key": key, "s3_secret_key": secret, "s3_session_token": "token-0"}
    storage = Storage(Settings.model_validate({**keyless.model_dump(), **changes}))
    with pytest.raises(
        StorageUnavailable, match=r"have expired \(ExpiredToken\): .*STYLEQUEUE_S3_SESSION_TOKEN"
    ):
        storage.get("results/anna/none.png", max_bytes=1)
