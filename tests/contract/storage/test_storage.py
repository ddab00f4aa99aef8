"""The contract of storage, on every S3 server at hand: rclone, moto, SeaweedFS, and one of your own.

Yours is the one at S3_TEST_URL, with the keys S3_TEST_KEY and S3_TEST_SECRET; its bucket is `stylequeue`.
"""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from shared.errors import BucketForbidden, ObjectNotFound, ObjectsKept, ObjectTooLarge, StorageUnavailable
from shared.settings import Settings
from shared.storage.bucket_setup import BucketSetup
from shared.storage.objects import Storage
from tests.stacks.ports import free_port
from tests.stacks.seaweedfs import running_seaweedfs
from tests.stacks.servers import running_moto, running_rclone, s3_settings, wait_for_s3, wait_until

DATA = bytes(range(256)) * 100
OWN_ENDPOINT = os.environ.get("S3_TEST_URL")
SERVERS = ["rclone", "moto", "seaweedfs", *(["own"] if OWN_ENDPOINT else [])]
STRICT = [server for server in SERVERS if server != "moto"]  # moto looks at no signature and no time


@pytest.fixture(scope="module", params=SERVERS)
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    if request.param == "own":
        own = s3_settings(str(OWN_ENDPOINT), os.environ["S3_TEST_KEY"], os.environ["S3_TEST_SECRET"])
        wait_for_s3(own)
        yield own
    elif request.param == "seaweedfs":
        with running_seaweedfs(folder) as found:
            yield found["root"]
    else:
        start = running_rclone if request.param == "rclone" else running_moto
        with start(folder) as server:
            yield server


@pytest.fixture
def storage(settings: Settings) -> Storage:
    return Storage(settings)


def put(url: str, headers: dict[str, str], data: bytes) -> int:
    request = urllib.request.Request(url, data, headers, method="PUT")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return int(answer.status)


def test_an_object_comes_back_as_it_was_put(storage: Storage) -> None:
    storage.put("results/anna/a.jpg", DATA, "image/jpeg")
    assert storage.get("results/anna/a.jpg", max_bytes=len(DATA)) == DATA
    assert storage.exists("results/anna/a.jpg")


def test_a_file_object_is_streamed(storage: Storage) -> None:
    storage.put("uploads/anna/streamed", BytesIO(DATA), "image/png")
    assert storage.get("uploads/anna/streamed", max_bytes=10**6) == DATA


def test_a_second_put_replaces_the_first(storage: Storage) -> None:
    storage.put("uploads/anna/twice", b"old", "image/png")
    storage.put("uploads/anna/twice", b"new", "image/png")
    assert storage.get("uploads/anna/twice", max_bytes=10) == b"new"


def test_an_object_over_the_limit_is_refused_with_both_figures(storage: Storage) -> None:
    storage.put("uploads/anna/large", DATA, "image/png")
    with pytest.raises(ObjectTooLarge, match=r"25,600 bytes; the limit is 25,599$"):
        storage.get("uploads/anna/large", max_bytes=len(DATA) - 1)


def test_a_long_key_is_not_repeated_whole(storage: Storage) -> None:
    with pytest.raises(
        ObjectNotFound, match=r"There is no s3://stylequeue/uploads/anna/k/k/.*\.\.\.$"
    ) as caught:
        storage.get("uploads/anna/" + "k/" * 450 + "k", max_bytes=1)
    assert len(caught.value.detail) < 300


def test_a_missing_object_and_a_missing_bucket_are_not_found(storage: Storage) -> None:
    assert not storage.exists("uploads/anna/missing")
    for bucket in (None, "no-such-bucket"):
        with pytest.raises(ObjectNotFound):
            storage.get("uploads/anna/missing", max_bytes=10, bucket=bucket)


def test_a_missing_bucket_of_the_service_is_transient_as_an_operator_can_make_it(settings: Settings) -> None:
    storage = Storage(settings.model_copy(update={"s3_bucket": "not-made-yet"}))
    for step in (
        storage.check,
        lambda: storage.get("a", max_bytes=10),
        lambda: storage.etag("a"),
        lambda: storage.put("a", DATA, "image/png"),
        lambda: storage.put_file("a", BytesIO(DATA), "image/png"),
        lambda: list(storage.stream("a")),
        lambda: list(storage.keys("results/")),
        lambda: storage.found("uploads/anna/", [str(number) for number in range(10)]),
        lambda: storage.delete_many(["a"]),
    ):
        with pytest.raises(StorageUnavailable) as refused:
            step()
        assert refused.value.detail == (
            "The storage has no bucket 'not-made-yet'; 'stylequeue storage setup' makes it"
        )


def test_deleting_twice_is_deleting(storage: Storage) -> None:
    storage.put("results/anna/gone.png", DATA, "image/png")
    storage.delete("results/anna/gone.png")
    storage.delete("results/anna/gone.png")
    assert not storage.exists("results/anna/gone.png")


def test_a_presigned_url_reads_without_keys_and_names_the_type(storage: Storage) -> None:
    storage.put("results/anna/shown.webp", DATA, "image/webp")
    url = storage.presigned_get("results/anna/shown.webp", "image/webp")
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read() == DATA
        assert answer.headers["Content-Type"] == "image/webp"


def test_a_presigned_url_writes_the_announced_object(storage: Storage) -> None:
    digest = hashlib.sha256(DATA).hexdigest()
    url, headers = storage.presigned_put(f"uploads/anna/{digest}", "image/png", len(DATA), digest)
    assert put(url, headers, DATA) == 200
    assert storage.get(f"uploads/anna/{digest}", max_bytes=10**6) == DATA


@pytest.mark.parametrize("settings", SERVERS[2:], indirect=True)  # rclone and moto check no digest here
def test_a_presigned_url_writes_no_other_file_than_the_announced_one(storage: Storage) -> None:
    digest = hashlib.sha256(DATA).hexdigest()
    url, headers = storage.presigned_put("uploads/anna/other", "image/png", len(DATA), digest)
    with pytest.raises(urllib.error.HTTPError) as refusal:
        put(url, headers, DATA[::-1])
    assert refusal.value.code == 400
    assert not storage.exists("uploads/anna/other")


@pytest.mark.parametrize("settings", STRICT, indirect=True)
def test_a_presigned_url_opens_no_other_object(storage: Storage) -> None:
    storage.put("results/anna/one.png", DATA, "image/png")
    storage.put("results/anna/two.png", DATA, "image/png")
    url = storage.presigned_get("results/anna/one.png", "image/png").replace("one.png", "two.png")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(url, timeout=10)
    assert refusal.value.code == 403


def test_a_delete_that_was_signed_in_advance_removes_the_object_or_finds_it_gone(storage: Storage) -> None:
    storage.put("uploads/anna/doomed", DATA, "image/png")
    for _ in range(2):
        storage.send_deletes(storage.presigned_deletes(["uploads/anna/doomed"], 60))
        assert not storage.exists("uploads/anna/doomed")


@pytest.mark.parametrize("settings", STRICT, indirect=True)
def test_a_delete_whose_time_is_over_is_refused_by_the_server(storage: Storage) -> None:
    storage.put("uploads/anna/late", DATA, "image/png")
    urls = storage.presigned_deletes(["uploads/anna/late"], 1)
    signed_at = time.time()
    wait_until(lambda: time.time() > signed_at + 2)
    with pytest.raises(ObjectsKept, match="does not delete"):
        storage.send_deletes(urls)
    assert storage.exists("uploads/anna/late")


def test_an_object_of_another_bucket_is_written_read_and_shown(storage: Storage, settings: Settings) -> None:
    BucketSetup(settings.model_copy(update={"s3_bucket": "customers"})).create()
    storage.put("2026/cat.png", DATA, "image/png", bucket="customers")
    assert b"".join(storage.stream("2026/cat.png", bucket="customers")) == DATA
    url = storage.presigned_get("2026/cat.png", "image/png", bucket="customers")
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read() == DATA
    assert not storage.exists("2026/cat.png")


def test_several_threads_share_one_client(storage: Storage) -> None:
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                key = f"uploads/anna/thread-{number}-{turn}"
                storage.put(key, DATA, "image/png")
                assert storage.get(key, max_bytes=10**6) == DATA
        except Exception as error:  # collected, so that the test fails in its own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_wrong_key_is_refused_and_not_retried_for_ever(tmp_path: Path) -> None:
    with running_rclone(tmp_path) as settings:
        stranger = s3_settings(str(settings.s3_endpoint_url), "someone", "else-entirely")
        with pytest.raises((BucketForbidden, StorageUnavailable)):
            Storage(stranger).get("uploads/anna/x", max_bytes=10)


def test_a_server_that_is_not_there_is_one_error() -> None:
    storage = Storage(s3_settings(f"http://127.0.0.1:{free_port()}", "test", "test"))
    for step in (
        storage.check,
        lambda: storage.get("a", max_bytes=1),
        lambda: storage.put("a", b"", "image/png"),
    ):
        with pytest.raises(StorageUnavailable):
            step()


def test_a_body_that_breaks_off_is_no_object() -> None:
    """The server announces ten bytes, sends three and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for _ in range(5):
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
                peer.close()

        threading.Thread(target=answer, daemon=True).start()
        storage = Storage(s3_settings(f"http://127.0.0.1:{listener.getsockname()[1]}", "test", "test"))
        with pytest.raises(StorageUnavailable):
            storage.get("uploads/anna/broken", max_bytes=100)
