"""Access to S3: addressing, temporary credentials and roles, encryption by the server."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog

from shared.errors import SettingsError, StorageUnavailable
from shared.settings import Settings
from shared.storage.client import s3_client
from shared.storage.objects import Storage
from tests.faults.wires.http_proxy import proxy_before
from tests.stacks.servers import running_moto
from tests.stacks.servers import s3_settings as settings_for

DIGEST = "3" * 64
DATA = b"a picture"


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with running_moto(tmp_path_factory.mktemp("moto")) as settings:
        yield settings


def send(method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, bytes]:
    """Send to the port on this machine, whatever the host's name, because no name server knows
    the bucket's.
    """
    place = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=10)
    connection.request(method, f"{place.path}?{place.query}", body, {**headers, "Host": place.netloc})
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


# --- addressing ------------------------------------------------------------------------------------


def presigned(**changes: str | None) -> str:
    settings = settings_for("http://unused", "key", "secret").model_copy(update=changes)
    return Storage(settings).presigned_get("results/a.png", "image/png").partition("?")[0]


@pytest.mark.parametrize(
    ("addressing", "endpoint", "expected"),
    [
        ("auto", None, "https://stylequeue.s3.amazonaws.com/results/a.png"),
        ("path", None, "https://s3.amazonaws.com/stylequeue/results/a.png"),
        ("auto", "https://s3.example.org", "https://s3.example.org/stylequeue/results/a.png"),
        ("path", "https://s3.example.org", "https://s3.example.org/stylequeue/results/a.png"),
        ("virtual", "https://s3.example.org", "https://stylequeue.s3.example.org/results/a.png"),
    ],
)
def test_the_bucket_is_in_the_path_or_in_the_hosts_name(
    addressing: str, endpoint: str | None, expected: str
) -> None:
    assert presigned(s3_endpoint_url=endpoint, s3_addressing=addressing) == expected


@pytest.mark.parametrize("addressing", ["auto", "virtual"])
def test_presigned_urls_for_amazon_lead_to_the_host_of_the_region(addressing: str) -> None:
    """The host without a region responds with 307 for a new bucket, and does not serve opt-in
    regions at all.
    """
    at_amazon = {"s3_endpoint_url": None, "s3_addressing": addressing, "s3_region": "me-south-1"}
    assert presigned(**at_amazon) == "https://stylequeue.s3.me-south-1.amazonaws.com/results/a.png"
    dotted = presigned(**at_amazon, s3_bucket="photos.example.org")
    assert dotted == "https://s3.me-south-1.amazonaws.com/photos.example.org/results/a.png"
    settings = settings_for("http://unused", "key", "secret").model_copy(update=at_amazon)
    (delete,) = Storage(settings).presigned_deletes(["uploads/anna/1"], 60).values()
    assert urlsplit(delete).hostname == "stylequeue.s3.me-south-1.amazonaws.com"


@pytest.mark.parametrize(
    ("endpoint", "public", "expected"),
    [
        ("http://minio:9000", "https://example.org/s3", "https://example.org/s3/stylequeue/results/a.png"),
        ("http://minio:9000/", "https://example.org/", "https://example.org/stylequeue/results/a.png"),
        (
            "http://gate:8000/v1/s3",
            "https://example.org/v1/s3/",
            "https://example.org/v1/s3/stylequeue/results/a.png",
        ),
        ("http://gate:8000/v1/s3", "https://example.org", "https://example.org/stylequeue/results/a.png"),
        ("http://gate:8000/v1/s3/", None, "http://gate:8000/v1/s3/stylequeue/results/a.png"),
    ],
)
def test_presigned_urls_begin_with_the_public_endpoint(
    endpoint: str, public: str | None, expected: str
) -> None:
    assert presigned(s3_endpoint_url=endpoint, s3_public_endpoint_url=public) == expected


def test_presigned_urls_work_through_a_proxy_that_takes_a_path_away(s3_settings: Settings) -> None:
    """rclone checks signatures, over the path that it receives."""
    with proxy_before(s3_settings) as proxy:
        proxy.stripped_path = "/pictures"
        public = {"s3_public_endpoint_url": f"http://localhost:{proxy.port}/pictures"}
        storage = Storage(s3_settings.model_copy(update=public))
        digest = hashlib.sha256(DATA).hexdigest()
        url, headers = storage.presigned_put(f"uploads/anna/{digest}", "image/png", len(DATA), digest)
        assert send("PUT", url, headers, DATA)[0] == 200
        url = storage.presigned_get(f"uploads/anna/{digest}", "image/png")
        assert urlsplit(url).path == f"/pictures/stylequeue/uploads/anna/{digest}"
        assert send("GET", url, {}) == (200, DATA)


def test_presigned_urls_with_the_bucket_in_the_hosts_name_read_and_write(moto: Settings) -> None:
    port = urlsplit(str(moto.s3_endpoint_url)).port
    public = {"s3_public_endpoint_url": f"http://localhost:{port}", "s3_addressing": "virtual"}
    storage = Storage(moto.model_copy(update=public))
    url, headers = storage.presigned_put(f"uploads/anna/{DIGEST}", "image/png", len(DATA), DIGEST)
    assert urlsplit(url).hostname == "stylequeue.localhost"
    headers.pop("x-amz-checksum-sha256")  # moto checks it, and this digest is not the data's
    assert send("PUT", url, headers, DATA)[0] == 200
    assert send("GET", storage.presigned_get(f"uploads/anna/{DIGEST}", "image/png"), {}) == (200, DATA)
    assert Storage(moto).get(f"uploads/anna/{DIGEST}", max_bytes=100) == DATA


# --- temporary credentials ----------------------------------------------------------------------------


class Role:
    """A loopback endpoint that issues credentials for a minute, and an S3 server that records who came."""

    def __init__(self) -> None:
        self.handed_out = 0
        self.came: list[tuple[str, str]] = []  # key id, session token
        role = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/credentials":
                    assert self.headers["Authorization"] == "a container's own word"
                    self._answer(json.dumps(role.credentials()).encode())
                else:
                    self.do_HEAD()

            def do_HEAD(self) -> None:
                key_id = self.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
                role.came.append((key_id, self.headers["x-amz-security-token"]))
                self._answer(b"")

            do_PUT = do_HEAD  # noqa: N815 - the base class's names

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def credentials(self) -> dict[str, str]:
        self.handed_out += 1
        return {
            "AccessKeyId": f"key-{self.handed_out}",
            "SecretAccessKey": "secret",
            "Token": f"token-{self.handed_out}",
            "Expiration": (datetime.now(UTC) + timedelta(minutes=1)).isoformat(),
        }


@pytest.fixture
def role() -> Iterator[Role]:
    role = Role()
    yield role
    role.server.shutdown()
    role.server.server_close()


def test_without_keys_a_roles_credentials_are_taken_and_renewed_before_they_expire(
    role: Role, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{role.url}/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a container's own word")
    storage = Storage(Settings(s3_endpoint_url=role.url))
    storage.check()
    storage.check()
    storage.put("results/a.png", b"", "image/png")
    assert storage.get("results/a.png", max_bytes=0) == b""
    assert len(role.came) == 4
    assert role.handed_out > 1
    assert all(key.removeprefix("key-") == token.removeprefix("token-") for key, token in role.came)
    assert role.came[-1][0] == f"key-{role.handed_out}"
    assert role.came[0] != role.came[-1]
    assert "X-Amz-Security-Token=token-" in storage.presigned_get("results/a.png", "image/png")


def test_a_session_token_goes_with_every_request_and_url(role: Role) -> None:
    settings = Settings.from_environment(
        {
            "STYLEQUEUE_S3_ENDPOINT_URL": role.url,
            "STYLEQUEUE_S3_ACCESS_KEY": "mine",
            "STYLEQUEUE_S3_SECRET_KEY": "secret",
            "STYLEQUEUE_S3_SESSION_TOKEN": "temporary",
        }
    )
    storage = Storage(settings)
    storage.check()
    storage.put("results/a.png", b"", "image/png")
    storage.get("results/a.png", max_bytes=0)
    assert role.came == [("mine", "temporary")] * 3
    assert role.handed_out == 0
    assert "X-Amz-Security-Token=temporary" in storage.presigned_get("results/a.png", "image/png")


# --- encryption ------------------------------------------------------------------------------------


def encrypted(moto: Settings, key: str) -> Any:
    head = s3_client(moto, moto.s3_endpoint_url).head_object(Bucket=moto.s3_bucket, Key=key)
    return head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"s3_sse": "AES256"}, ("AES256", None)),
        ({"s3_sse": "aws:kms", "s3_sse_kms_key_id": "our-key"}, ("aws:kms", "our-key")),
    ],
)
def test_encryption_is_asked_for_with_every_way_to_write(
    moto: Settings, changes: dict[str, str], expected: tuple[str, str | None]
) -> None:
    storage = Storage(moto.model_copy(update=changes))
    storage.put("results/put.png", DATA, "image/png")
    storage.put_file("results/file.ndjson", BytesIO(DATA), "application/x-ndjson")
    storage.put_file("results/parts.ndjson", BytesIO(bytes(9_000_000)), "application/x-ndjson")
    url, headers = storage.presigned_put("uploads/anna/sent", "image/png", len(DATA), DIGEST)
    headers.pop("x-amz-checksum-sha256")
    assert send("PUT", url, headers, DATA)[0] == 200
    keys = ("results/put.png", "results/file.ndjson", "results/parts.ndjson", "uploads/anna/sent")
    assert {encrypted(moto, key) for key in keys} == {expected}
    assert {header.lower() for header in headers} >= {"x-amz-server-side-encryption"}


def test_the_headers_of_encryption_are_part_of_a_presigned_urls_signature(moto: Settings) -> None:
    storage = Storage(moto.model_copy(update={"s3_sse": "AES256"}))
    url, _ = storage.presigned_put("uploads/anna/signed", "image/png", len(DATA), DIGEST)
    assert "x-amz-server-side-encryption" in url.partition("X-Amz-SignedHeaders=")[2].partition("&")[0]


# --- no credentials, and other endpoints ---------------------------------------------------------------


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of a machine that has no credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    return monkeypatch


def without_keys(settings: Settings) -> Settings:
    return settings.model_copy(update={"s3_access_key": None, "s3_secret_key": None})


def test_missing_credentials_are_a_sentence_that_names_the_settings(
    moto: Settings, bare: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StorageUnavailable, match="set STYLEQUEUE_S3_ACCESS_KEY and STYLEQUEUE_S3_SECRET_KEY"):
        Storage(without_keys(moto)).check()
    bare.setenv("AWS_ACCESS_KEY_ID", "half")
    with pytest.raises(SettingsError, match="AWS_SECRET_ACCESS_KEY"):
        Storage(without_keys(moto))


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_the_setting_alone_says_where_pictures_go(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "https://elsewhere.example")
    with structlog.testing.capture_logs() as lines:
        assert presigned(s3_endpoint_url=None).startswith("https://stylequeue.s3.amazonaws.com/")
        assert presigned(s3_endpoint_url="https://s3.example.org").startswith("https://s3.example.org/")
    (line,) = lines
    assert (line["ignored"], line["setting"]) == ([variable], "STYLEQUEUE_S3_ENDPOINT_URL")
