"""The bytes of a source, and the owners who may have them."""

from __future__ import annotations

import hashlib

import pytest

from shared.errors import (
    ObjectNotFound,
    ObjectTooLarge,
    SourceCorrupt,
    SourceForbidden,
    SourceNotFound,
    SourceTooLarge,
)
from shared.policy.object_keys import result_key, upload_key
from shared.settings import Settings
from shared.wire.sources import DataSource, UploadSource, UrlSource
from worker.sources.guarded_http import GuardedHttp
from worker.sources.reader import Sources

PICTURE = b"a picture"
UPLOAD_ID = hashlib.sha256(PICTURE).hexdigest()
SETTINGS = Settings(s3_bucket="stylequeue", s3_source_buckets=("photos",), max_upload_bytes=1024)


class MemoryObjects:
    """Objects by bucket and key; like Storage, it takes no bucket as the service's own."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}

    def get(self, key: str, *, max_bytes: int, bucket: str | None = None) -> bytes:
        found = self.objects.get((bucket or SETTINGS.s3_bucket, key))
        if found is None:
            raise ObjectNotFound(f"There is no {key}")
        if len(found) > max_bytes:
            raise ObjectTooLarge(f"{key} is too large")
        return found


class MemoryPages:
    """Files by URL."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}

    def get(self, url: str) -> bytes:
        return self.pages[url]


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()


@pytest.fixture
def pages() -> MemoryPages:
    return MemoryPages()


@pytest.fixture
def sources(objects: MemoryObjects, pages: MemoryPages) -> Sources:
    return Sources(objects, pages, SETTINGS)


def test_an_upload_is_its_owners(objects: MemoryObjects, sources: Sources) -> None:
    objects.objects["stylequeue", upload_key("alice", UPLOAD_ID)] = PICTURE
    assert sources.fetch(UploadSource(upload_id=UPLOAD_ID), "alice") == PICTURE
    with pytest.raises(SourceNotFound):
        sources.fetch(UploadSource(upload_id=UPLOAD_ID), "bob")


def test_an_upload_with_other_bytes_than_announced_is_corrupt(
    objects: MemoryObjects, sources: Sources
) -> None:
    objects.objects["stylequeue", upload_key("alice", UPLOAD_ID)] = b"another picture"
    with pytest.raises(SourceCorrupt, match=UPLOAD_ID):
        sources.fetch(UploadSource(upload_id=UPLOAD_ID), "alice")


@pytest.mark.parametrize("key", [upload_key("alice", UPLOAD_ID), result_key("alice", "job", "jpg")])
def test_an_owners_objects_can_be_named_by_their_s3_url(
    key: str, objects: MemoryObjects, sources: Sources
) -> None:
    objects.objects["stylequeue", key] = PICTURE
    source = UrlSource(url=f"s3://stylequeue/{key}")
    assert sources.fetch(source, "alice") == PICTURE
    for other in ("bob", "ali", "alice2", ""):
        with pytest.raises(SourceForbidden, match="stylequeue"):
            sources.fetch(source, other)


@pytest.mark.parametrize(
    "key", ["a.jpg", "deep/er/a.jpg", "odd?name#1%20.jpg", "uploads/bob/x", "a//b", "..jpg"]
)
def test_a_bucket_that_the_operator_names_is_open_to_all(
    key: str, objects: MemoryObjects, sources: Sources
) -> None:
    objects.objects["photos", key] = PICTURE
    assert sources.fetch(UrlSource(url=f"s3://photos/{key}"), "alice") == PICTURE


@pytest.mark.parametrize("bucket", ["private", "photos2", "photo", "PHOTOS", "photos.", "photos@stylequeue"])
def test_another_bucket_is_refused_by_name(bucket: str, objects: MemoryObjects, sources: Sources) -> None:
    objects.objects[bucket, "a.jpg"] = PICTURE
    with pytest.raises(SourceForbidden, match=f"'{bucket}'"):
        sources.fetch(UrlSource(url=f"s3://{bucket}/a.jpg"), "alice")


@pytest.mark.parametrize(
    "key",
    [
        "secret.jpg",
        "uploads/bob/x",
        "results/bob/x.jpg",
        "uploads/alice",
        "uploads/alicex/a",
        "uploads/alice/../bob/x",
        "uploads/alice/./x",
        "/uploads/alice/x",
        "UPLOADS/alice/x",
        "jobs/alice/x",
    ],
)
def test_the_rest_of_the_services_bucket_is_closed(
    key: str, objects: MemoryObjects, sources: Sources
) -> None:
    objects.objects["stylequeue", key] = PICTURE
    with pytest.raises(SourceForbidden):
        sources.fetch(UrlSource(url=f"s3://stylequeue/{key}"), "alice")


def test_other_owners_objects_stay_closed_even_if_the_operator_opens_the_services_bucket(
    objects: MemoryObjects, pages: MemoryPages
) -> None:
    objects.objects["stylequeue", "uploads/bob/x"] = PICTURE
    settings = SETTINGS.model_copy(update={"s3_source_buckets": ("stylequeue",)})
    with pytest.raises(SourceForbidden):
        Sources(objects, pages, settings).fetch(UrlSource(url="s3://stylequeue/uploads/bob/x"), "alice")


@pytest.mark.parametrize("url", ["s3://photos", "s3://photos/", "s3:///a.jpg", "s3://photos/a/../b"])
def test_a_url_that_names_no_object_is_refused(url: str, sources: Sources) -> None:
    with pytest.raises(SourceForbidden):
        sources.fetch(UrlSource(url=url), "alice")


def test_an_object_above_the_limit_is_refused(objects: MemoryObjects, sources: Sources) -> None:
    objects.objects["photos", "a.jpg"] = bytes(1025)
    with pytest.raises(SourceTooLarge):
        sources.fetch(UrlSource(url="s3://photos/a.jpg"), "alice")


def test_a_web_address_is_read_by_the_guarded_fetcher(pages: MemoryPages, sources: Sources) -> None:
    pages.pages["https://photos.example.org/a.jpg"] = PICTURE
    assert sources.fetch(UrlSource(url="https://photos.example.org/a.jpg"), "alice") == PICTURE


def test_a_private_web_address_is_forbidden(objects: MemoryObjects) -> None:
    sources = Sources(objects, GuardedHttp(SETTINGS), SETTINGS)
    for url in ("https://169.254.169.254/latest/meta-data", "http://photos.example.org/a.jpg"):
        with pytest.raises(SourceForbidden):
            sources.fetch(UrlSource(url=url), "alice")


def test_image_data_in_the_request_never_reaches_a_worker(sources: Sources) -> None:
    with pytest.raises(TypeError, match="stored as an upload"):
        sources.fetch(DataSource(data="data:image/png;base64,AAAA"), "alice")
