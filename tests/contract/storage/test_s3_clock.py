"""A clock that differs from S3's: a proxy imitates how servers refuse requests that were signed with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from client.command import main
from shared.errors import BucketForbidden, ClockSkewed, StorageForbidden, StorageUnavailable
from shared.settings import Settings
from shared.storage.objects import Storage
from tests.faults.wires.http_proxy import Answer, HttpProxy, s3_error
from tests.stacks.service import service

TOO_SKEWED = "The difference between the request time and the current time is too large."
KEY = "uploads/anna/1"


@pytest.fixture
def settings(proxied_settings: Settings, redis_url: str) -> Settings:
    return proxied_settings.model_copy(update={"redis_url": redis_url})


@pytest.fixture
def storage(settings: Settings) -> Storage:
    return Storage(settings)


def amazon(seconds: int) -> Answer:
    """Send both times; `seconds` is by how much this machine's clock is ahead."""
    now = datetime.now(UTC)
    return s3_error(
        403,
        "RequestTimeTooSkewed",
        TOO_SKEWED,
        RequestTime=f"{now + timedelta(seconds=seconds):%Y%m%dT%H%M%SZ}",
        ServerTime=f"{now:%Y-%m-%dT%H:%M:%SZ}",
    )


def rclone(seconds: int) -> Answer:
    """Send the server's time to a clock that is ahead, and only the header Date to one that is behind."""
    server = datetime.now(UTC) - timedelta(seconds=seconds)
    if seconds > 0:
        return s3_error(403, "RequestTimeTooSkewed", TOO_SKEWED, ServerTime=f"{server.isoformat()}")
    answer = s3_error(400, "AccessDenied", "The difference ... exceeds the maximum allowed.")
    return Answer(answer.status, answer.body, {"Date": format_datetime(server, usegmt=True)})


@pytest.mark.parametrize("server", [amazon, rclone])
@pytest.mark.parametrize(("seconds", "way"), [(1200, "ahead"), (-5000, "behind")])
def test_a_wrong_clock_is_a_transient_error_with_the_difference(
    storage: Storage, proxy: HttpProxy, server: Callable[[int], Answer], seconds: int, way: str
) -> None:
    proxy.own_answer = lambda _: server(seconds)
    for step in (
        lambda: storage.get(KEY, max_bytes=10, bucket="photos"),
        lambda: storage.put(KEY, b"", "image/png"),
        lambda: list(storage.keys("")),
    ):
        with pytest.raises(
            ClockSkewed, match=rf"^The service's clock differs by [\d,]+ s .*\(it is {way}\)"
        ) as told:
            step()
        assert isinstance(told.value, StorageUnavailable)
        number = int(told.value.detail.split(" by ")[1].split(" s ")[0].replace(",", ""))
        assert number == pytest.approx(abs(seconds), abs=30)


def test_the_date_of_a_response_to_head_or_a_presigned_delete_shows_the_clock(
    storage: Storage, proxy: HttpProxy
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    refused = s3_error(403, "AccessDenied", "Request has expired")
    proxy.own_answer = lambda _: Answer(403, refused.body, {"Date": date})
    for step in (
        storage.check,
        lambda: storage.exists(KEY),
        lambda: storage.etag(KEY, bucket="photos"),
        lambda: storage.send_deletes(storage.presigned_deletes([KEY], 60)),
    ):
        with pytest.raises(ClockSkewed, match=r"differs by 3,[56]\d\d s from the storage's \(it is behind\)"):
            step()


def test_the_error_that_names_no_time_is_transient_too(storage: Storage, proxy: HttpProxy) -> None:
    proxy.own_answer = lambda _: s3_error(403, "RequestTimeTooSkewed", TOO_SKEWED)
    with pytest.raises(
        ClockSkewed, match=r"^The service's clock differs, so the storage refuses its requests$"
    ):
        storage.get(KEY, max_bytes=10)


def test_a_lack_of_rights_is_final_for_a_clients_bucket_and_transient_for_the_services_own(
    storage: Storage, proxy: HttpProxy
) -> None:
    date = format_datetime(datetime.now(UTC), usegmt=True)
    denied = s3_error(403, "AccessDenied", "Access Denied")
    proxy.own_answer = lambda _: Answer(403, denied.body, {"Date": date})
    with pytest.raises(BucketForbidden, match=f"does not let this service use s3://photos/{KEY}"):
        storage.get(KEY, max_bytes=10, bucket="photos")
    with pytest.raises(StorageForbidden):
        storage.get(KEY, max_bytes=10)


def test_a_key_that_s3_does_not_know_is_no_lack_of_rights_whatever_the_request(
    storage: Storage, proxy: HttpProxy
) -> None:
    """A response to HEAD has no body, and so no reason."""
    proxy.own_answer = lambda _: s3_error(403, "InvalidAccessKeyId")
    with pytest.raises(StorageUnavailable, match="The storage responds InvalidAccessKeyId"):
        storage.get(KEY, max_bytes=10, bucket="photos")
    with pytest.raises(StorageUnavailable, match="The storage responds InvalidAccessKeyId"):
        storage.etag(KEY, bucket="photos")


def test_setup_and_readiness_say_by_how_much_the_clock_differs(settings: Settings, proxy: HttpProxy) -> None:
    proxy.own_answer = lambda _: Answer(
        403, b"", {"Date": format_datetime(datetime.now(UTC) - timedelta(hours=2), usegmt=True)}
    )
    setup = CliRunner().invoke(main, ["storage", "setup"], env=settings.to_environment())
    assert setup.output.startswith("Error: The service's clock differs by 7,"), setup.output
    with service(settings) as app:
        client: FlaskClient = app.test_client()
        bucket = client.get("/readyz").get_json()["bucket"]
        assert bucket.startswith("The service's clock differs by 7,2")
        answer = client.post(
            "/v1/uploads", json={"sha256": "0" * 64, "bytes": 10, "content_type": "image/png"}
        )
        assert (answer.status_code, answer.get_json()["code"]) == (503, "clock-skewed")
