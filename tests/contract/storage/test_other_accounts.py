"""Buckets of another region and of owners who let the reader pay: a proxy before a real server demands it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest
import structlog
from click.testing import CliRunner

from client.command import main
from shared.errors import BucketForbidden, StorageUnavailable
from shared.settings import Settings
from shared.storage.client import s3_client
from shared.storage.objects import Storage
from tests.faults.wires.http_proxy import Answer, HttpProxy, Request, s3_error

DATA = b"a picture"
THERE = "eu-central-1"
PAYING = "paying"
SENTENCE = f"The bucket 'stylequeue' is in the region '{THERE}'; set STYLEQUEUE_S3_REGION={THERE}"
Refusal = Callable[[Request], Answer]


def wrong_scope(request: Request) -> Answer:
    """Refuse as Amazon does at the region's own host; the response to HEAD has no body."""
    if request.method == "HEAD":
        return Answer(400, headers={"x-amz-bucket-region": THERE})
    return s3_error(400, "AuthorizationHeaderMalformed", f"expecting '{THERE}'", Region=THERE)


def redirect(_: Request) -> Answer:
    """Refuse as Amazon does at another host than the region's."""
    body = s3_error(301, "PermanentRedirect").body
    return Answer(301, body, {"x-amz-bucket-region": THERE})


def only_signed_for_it(refuse: Refusal) -> Callable[[Request], Answer | None]:
    def answer(request: Request) -> Answer | None:
        signed = request.headers.get("Authorization") or unquote(request.path)  # the second: a presigned URL
        return None if f"/{THERE}/s3/aws4_request" in signed else refuse(request)

    return answer


@pytest.mark.parametrize("refuse", [wrong_scope, redirect])
def test_a_bucket_in_another_region_is_followed_with_one_warning_that_names_the_setting(
    proxied_settings: Settings, proxy: HttpProxy, refuse: Refusal
) -> None:
    proxy.own_answer = only_signed_for_it(refuse)
    storage = Storage(proxied_settings)
    with structlog.testing.capture_logs() as lines:
        storage.check()
        storage.put("results/anna/region.png", DATA, "image/png")
        assert storage.get("results/anna/region.png", max_bytes=100) == DATA
    (line,) = [line for line in lines if line["event"] == "bucket in another region"]
    assert (line["region"], line["setting"]) == (THERE, "STYLEQUEUE_S3_REGION")
    with pytest.raises(StorageUnavailable, match=re.escape(SENTENCE)):
        storage.check_region()
    right = Storage(proxied_settings.model_copy(update={"s3_region": THERE}))
    assert right.get("results/anna/region.png", max_bytes=100) == DATA
    right.check_region()


@pytest.mark.parametrize("refuse", [wrong_scope, redirect])
def test_setup_names_the_region_to_set(proxied_settings: Settings, proxy: HttpProxy, refuse: Refusal) -> None:
    proxy.own_answer = only_signed_for_it(refuse)
    result = CliRunner().invoke(main, ["storage", "setup"], env=proxied_settings.to_environment())
    assert (result.exit_code, result.output.splitlines()[-1]) == (1, f"Error: {SENTENCE}")


@pytest.mark.parametrize("refuse", [wrong_scope, redirect])
def test_a_bucket_that_cannot_be_followed_is_a_sentence_too(
    proxied_settings: Settings, proxy: HttpProxy, refuse: Refusal
) -> None:
    proxy.own_answer = refuse
    with pytest.raises(StorageUnavailable, match=re.escape(SENTENCE)):
        Storage(proxied_settings).get("results/anna/region.png", max_bytes=100)


def demand_payment(request: Request) -> Answer | None:
    """Refuse a read that does not agree to pay in a header that is signed."""
    signed = request.headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    if request.headers.get("x-amz-request-payer") == "requester" and "x-amz-request-payer" in signed:
        return None
    return s3_error(403, "AccessDenied", "Access Denied")


def test_the_service_pays_for_reads_from_the_buckets_that_are_listed_for_that(
    proxied_settings: Settings, s3_settings: Settings, proxy: HttpProxy
) -> None:
    client = s3_client(s3_settings, s3_settings.s3_endpoint_url)
    client.create_bucket(Bucket=PAYING)
    client.put_object(Bucket=PAYING, Key="cats/a.png", Body=DATA)
    sources = {"s3_source_buckets": (PAYING,)}
    refused = Storage(proxied_settings.model_copy(update=sources))
    paying = Storage(proxied_settings.model_copy(update={**sources, "s3_requester_pays_buckets": (PAYING,)}))
    proxy.own_answer = demand_payment
    with pytest.raises(BucketForbidden):
        refused.get("cats/a.png", max_bytes=100, bucket=PAYING)
    assert paying.get("cats/a.png", max_bytes=100, bucket=PAYING) == DATA
    assert b"".join(paying.stream("cats/a.png", bucket=PAYING)) == DATA
    assert list(paying.keys("cats/", bucket=PAYING)) == ["cats/a.png"]
    assert paying.etag("cats/a.png", bucket=PAYING)
    with pytest.raises(StorageUnavailable):  # no payment is offered for the service's own bucket
        paying.get("results/anna/none.png", max_bytes=100)
