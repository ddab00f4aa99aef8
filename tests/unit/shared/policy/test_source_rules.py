"""Sources that are refused at submit, and again before a worker fetches."""

from __future__ import annotations

import pytest

from shared.policy.source_rules import check_source, s3_location
from shared.request_errors import UrlNotAllowed
from shared.settings import Settings
from shared.wire.sources import DataSource, ImageSource, UploadSource, UrlSource

SETTINGS = Settings(s3_bucket="stylequeue", s3_source_buckets=("photos",))
OPENED = Settings(s3_bucket="stylequeue", s3_source_buckets=("photos", "stylequeue"))


@pytest.mark.parametrize("key", ["uploads/alice/x", "results/alice/deep/er/x.jpg", "uploads/alice/..x"])
def test_an_owner_may_name_its_own_uploads_and_results(key: str) -> None:
    assert s3_location(f"s3://stylequeue/{key}", "alice", SETTINGS) == ("stylequeue", key)


@pytest.mark.parametrize("key", ["a.jpg", "a//b", "odd?name#1%20.jpg", "..jpg", "uploads/bob/x", "/a"])
def test_in_a_bucket_that_the_operator_names_every_key_is_taken_literally(key: str) -> None:
    assert s3_location(f"s3://photos/{key}", "alice", SETTINGS) == ("photos", key)


@pytest.mark.parametrize(
    "key", ["x", "uploads/bob/x", "uploads/alice", "uploads/alicex/a", "/uploads/alice/x"]
)
@pytest.mark.parametrize("settings", [SETTINGS, OPENED], ids=["closed", "listed"])
def test_the_rest_of_the_services_bucket_is_closed_even_if_it_is_listed(key: str, settings: Settings) -> None:
    with pytest.raises(UrlNotAllowed, match="only its owner's uploads and results"):
        s3_location(f"s3://stylequeue/{key}", "alice", settings)


@pytest.mark.parametrize("bucket", ["private", "photos2", "PHOTOS", "photos.", "photos@stylequeue"])
def test_another_bucket_is_refused_by_name(bucket: str) -> None:
    with pytest.raises(UrlNotAllowed, match=rf"'{bucket}'.*STYLEQUEUE_S3_SOURCE_BUCKETS"):
        s3_location(f"s3://{bucket}/a.jpg", "alice", SETTINGS)


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3://photos",
        "s3://photos/",
        "s3:///a.jpg",
        "s3://photos/a/../b",
        "s3://photos/.",
        "s3://stylequeue/uploads/alice/../bob/x",
        "s3://stylequeue/uploads/alice/./x",
        "s3://stylequeue/uploads/alice/..",
    ],
)
def test_a_url_that_names_no_object_or_climbs_is_refused(url: str) -> None:
    with pytest.raises(UrlNotAllowed, match="names no object"):
        s3_location(url, "alice", SETTINGS)


@pytest.mark.parametrize(
    "source",
    [
        UploadSource(upload_id="0" * 64),
        DataSource(data="data:image/png;base64,AAAA"),
        UrlSource(url="https://photos.example.org/cat.jpg"),
        UrlSource(url="s3://photos/cat.jpg"),
        UrlSource(url="s3://stylequeue/uploads/alice/x"),
    ],
    ids=["upload", "data", "https", "listed-bucket", "own-upload"],
)
def test_an_allowed_source_passes(source: ImageSource) -> None:
    check_source(source, "alice", SETTINGS, "/content")


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/", "http://photos.example.org/a", "s3://private/a", "s3://stylequeue/uploads/bob/x"],
)
def test_a_refusal_points_at_the_url(url: str) -> None:
    with pytest.raises(UrlNotAllowed) as refusal:
        check_source(UrlSource(url=url), "alice", SETTINGS, "/style")
    assert refusal.value.pointer == "/style/url"
