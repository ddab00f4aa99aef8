"""API and S3 behind a real nginx that ends TLS and removes a prefix: every link is followed as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from client import StyleQueue
from shared.policy.object_keys import upload_key
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.api_keys import KeyStore
from shared.store.jobs import JobStore
from shared.store.redis.connection import connect
from shared.wire.sources import UploadSource
from tests.stacks.certificates import make_certificate
from tests.stacks.gunicorn import running_api
from tests.stacks.ports import free_port
from tests.stacks.service import NDJSON, PAIR, PICTURE, ndjson, paint
from tests.system.hosts.nginx import running_nginx, trusting


@dataclass(frozen=True)
class Proxied:
    """A client with a key, and the parts with which the tests play the worker."""

    url: str
    key: str
    certificate: Path
    store: JobStore
    storage: Storage
    http: httpx.Client


@pytest.fixture(scope="module")
def proxied(
    redis_url: str, s3_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    folder = tmp_path_factory.mktemp("nginx")
    certificate = make_certificate(folder, "localhost")
    public_url, public_s3 = f"https://localhost:{free_port()}/paint", f"https://localhost:{free_port()}"
    behind = {"public_url": public_url, "s3_public_endpoint_url": public_s3, "trusted_hosts": ("localhost",)}
    settings = s3_settings.model_copy(update={"redis_url": redis_url, **behind})
    connection = connect(redis_url)
    connection.flushdb()
    key, _ = KeyStore(connection).create("anna")
    with (
        running_api(settings, folder / "api.log") as api_url,
        running_nginx(
            folder, public_url, api_url, certificate, (public_s3, str(s3_settings.s3_endpoint_url))
        ),
        httpx.Client(verify=trusting(certificate), headers={"Authorization": f"Bearer {key}"}) as http,
    ):
        yield Proxied(public_url, key, certificate, JobStore(connection), Storage(settings), http)
    connection.close()


def test_every_link_of_a_job_and_a_batch_leads_through_the_proxy(proxied: Proxied) -> None:
    submitted = proxied.http.post(f"{proxied.url}/v1/jobs", json=PAIR)
    job = proxied.http.get(submitted.headers["Location"]).raise_for_status().json()
    paint(proxied.store, proxied.storage, job["id"])
    batch = proxied.http.post(
        f"{proxied.url}/v1/batches", content=ndjson(PAIR), headers={"Content-Type": NDJSON}
    ).json()
    for record in (job, batch):
        for name, link in record["links"].items():
            if link is None or name == "cancel":
                continue
            assert link.startswith(f"{proxied.url}/v1/")
            with proxied.http.stream("GET", link) as answer:
                assert answer.status_code in {200, 303}, (name, link)
    assert proxied.http.post(batch["links"]["cancel"]).status_code == 200


def test_the_python_client_submits_waits_and_saves(
    proxied: Proxied, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(proxied.certificate))
    with StyleQueue(proxied.url, api_key=proxied.key) as queue:
        upload = UploadSource(upload_id=queue.upload(PICTURE))
        job = queue.submit(upload, upload)
        paint(proxied.store, proxied.storage, job.id)
        assert queue.save(queue.wait(job), tmp_path / "a.jpg").read_bytes() == PICTURE


def test_the_page_its_parts_and_the_servers_of_the_description_are_found(proxied: Proxied) -> None:
    with httpx.Client(verify=trusting(proxied.certificate)) as browser:
        for path in ("/docs", "/docs/"):
            answer = browser.get(proxied.url + path).raise_for_status()
            (place,) = re.findall(r'url=([^"]+)"', answer.text)
            page = browser.get(urljoin(str(answer.url), place)).raise_for_status()
            parts = re.findall(r'(?:src|href)="([^"]+)"|URL\("([^"]+)"', page.text)
            assert len(parts) > 3
            for part in filter(None, (part for pair in parts for part in pair)):
                browser.get(urljoin(str(page.url), part)).raise_for_status()
        (server,) = browser.get(f"{proxied.url}/openapi.json").json()["servers"]
    assert proxied.http.get(f"{server['url']}/v1/jobs").status_code == 200


def test_25_megabytes_are_sent_through_the_api_and_straight_to_s3_and_come_back(proxied: Proxied) -> None:
    file = PICTURE + bytes(25_000_000)
    sent = proxied.http.post(
        f"{proxied.url}/v1/uploads", content=file, headers={"Content-Type": "image/jpeg"}
    )
    assert sent.raise_for_status().json()["upload_id"] == sha256(file).hexdigest()
    file += b"another"
    wanted = {"sha256": sha256(file).hexdigest(), "bytes": len(file), "content_type": "image/jpeg"}
    upload = proxied.http.post(f"{proxied.url}/v1/uploads", json=wanted).json()
    assert upload["url"].startswith("https://localhost:")
    with httpx.Client(verify=trusting(proxied.certificate)) as anybody:
        anybody.put(upload["url"], headers=upload["headers"], content=file).raise_for_status()
        key = upload_key("anna", wanted["sha256"])
        assert anybody.get(proxied.storage.presigned_get(key, None)).content == file


def test_each_event_comes_when_it_happens(proxied: Proxied) -> None:
    job = proxied.http.post(f"{proxied.url}/v1/jobs", json=PAIR).json()
    with proxied.http.stream("GET", f"{job['links']['self']}/events") as stream:
        lines = stream.iter_lines()
        assert status_of(lines) == "queued"
        paint(proxied.store, proxied.storage, job["id"])
        assert status_of(lines) == "succeeded"


def status_of(lines: Iterator[str]) -> str:
    """Return the status in the next event; no later one was needed to see it."""
    data = next(line for line in lines if line.startswith("data: "))
    return str(json.loads(data.removeprefix("data: "))["status"])


def test_a_request_for_another_host_is_refused_behind_the_proxy_too(proxied: Proxied) -> None:
    refused = proxied.http.get(f"{proxied.url}/v1/jobs", headers={"Host": "elsewhere.example"})
    assert (refused.status_code, "trusted_hosts" in refused.text) == (400, True)


def test_without_a_key_a_request_through_the_proxy_is_not_a_local_one(
    redis_url: str, s3_settings: Settings, tmp_path: Path
) -> None:
    certificate, public_url = make_certificate(tmp_path, "localhost"), f"https://localhost:{free_port()}"
    keyless = {"redis_url": f"{redis_url.removesuffix('/0')}/9", "public_url": public_url}
    with (
        running_api(s3_settings.model_copy(update=keyless), tmp_path / "api.log") as api_url,
        running_nginx(tmp_path, public_url, api_url, certificate),
    ):
        assert httpx.get(f"{api_url}/v1/jobs").status_code == 200
        through = httpx.get(f"{public_url}/v1/jobs", verify=trusting(certificate))
        assert through.status_code in {401, 403}
