"""GET and PUT without botocore's client: one request where all is well, else botocore's care."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest

from shared.settings import Settings
from shared.storage.objects import Storage
from shared.telemetry.metrics import REGISTRY
from tests.faults.wires.http_proxy import Answer, HttpProxy, Request, s3_error
from tests.stacks.servers import s3_settings as settings_for

DATA = b"a picture"
KEY = "results/direct/1.png"
REDIRECT = s3_error(301, "PermanentRedirect")


@pytest.fixture
def storage(proxied_settings: Settings) -> Storage:
    return Storage(proxied_settings)


class Script:
    """Respond with these in their order, then let S3 respond; keep the requests."""

    def __init__(self, proxy: HttpProxy, *answers: Answer) -> None:
        self.requests: list[Request] = []
        self._answers = iter(answers)
        proxy.own_answer = self._next

    def _next(self, request: Request) -> Answer | None:
        self.requests.append(request)
        return next(self._answers, None)

    def sent(self) -> list[str]:
        """Return each request's method and the program that sent it."""
        return [
            f"{request.method} {request.headers['User-Agent'].partition('/')[0]}" for request in self.requests
        ]


def errors() -> float:
    samples = (sample for metric in REGISTRY.collect() for sample in metric.samples)
    return sum(sample.value for sample in samples if sample.name == "stylequeue_s3_errors_total")


def test_an_object_takes_one_request_to_write_and_one_to_read(storage: Storage, proxy: HttpProxy) -> None:
    script = Script(proxy)
    storage.put(KEY, DATA, "image/png")
    assert storage.get(KEY, max_bytes=len(DATA)) == DATA
    assert script.sent() == ["PUT stylequeue", "GET stylequeue"]
    assert script.requests[0].headers["Content-Type"] == "image/png"


@pytest.mark.parametrize("key", ["a b+c~d(1)!*'.png", "naïve/é=&?#%41.png", "deep/./dots//x"])
def test_both_ways_name_the_same_object(proxied_settings: Settings, key: str, proxy: HttpProxy) -> None:
    storage, script = Storage(proxied_settings), Script(proxy, s3_error(500, "InternalError"), Answer(200))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda _: None)
        storage.put(key, DATA, "image/png")
    direct, botocores = script.requests
    assert direct.path == botocores.path
    assert unquote(direct.path) == f"/stylequeue/{key}"


@pytest.mark.parametrize(
    "answer",
    [
        s3_error(503, "SlowDown"),
        s3_error(403, "ExpiredToken"),
        Answer(200, s3_error(500, "InternalError").body),  # S3 may notice an error after it has sent the 200
        Answer(200, b"<html>Hello</html>"),
    ],
)
def test_a_write_that_does_not_plainly_succeed_is_repeated_by_botocore_and_not_counted(
    storage: Storage, proxy: HttpProxy, answer: Answer
) -> None:
    script, before = Script(proxy, answer), errors()
    storage.put(KEY, DATA, "image/png")
    assert script.sent() == ["PUT stylequeue", "PUT Boto3"]
    assert errors() == before
    assert storage.get(KEY, max_bytes=100) == DATA


def test_a_bucket_in_another_region_costs_a_detour_once(storage: Storage, proxy: HttpProxy) -> None:
    def answer(request: Request) -> Answer | None:
        regions.append(request.headers["Authorization"].split("/")[2])
        elsewhere = {"x-amz-bucket-region": "eu-west-3"}
        if regions[-1] != "eu-west-3":
            return Answer(301, REDIRECT.body, {**REDIRECT.headers, **elsewhere})
        return Answer(200, DATA)

    regions: list[str] = []
    proxy.own_answer = answer
    for _ in range(3):
        assert storage.get(KEY, max_bytes=100) == DATA
    assert regions == ["us-east-1", "us-east-1", "eu-west-3", "eu-west-3", "eu-west-3"]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({}, "s3.example.org/stylequeue/"),
        ({"s3_addressing": "virtual"}, "stylequeue.s3.example.org/"),
    ],
)
def test_requests_go_through_the_proxy_of_the_environment_to_the_bucket(
    proxy: HttpProxy, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], place: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("NO_PROXY", "")
    script = Script(proxy, Answer(200, DATA), Answer(200))
    storage = Storage(settings_for("http://s3.example.org", "key", "secret").model_copy(update=changes))
    assert storage.get(KEY, max_bytes=100) == DATA
    storage.put(KEY, DATA, "image/png")
    assert [request.path for request in script.requests] == [f"http://{place}{KEY}"] * 2
    assert {request.headers["Host"] for request in script.requests} == {urlsplit(f"//{place}").hostname}


def test_what_is_larger_than_the_limit_or_has_no_length_is_not_read(
    storage: Storage, proxy: HttpProxy
) -> None:
    storage.put(KEY, DATA, "image/png")
    script = Script(proxy)
    with pytest.raises(Exception, match="has 9 bytes; the limit is 8"):
        storage.get(KEY, max_bytes=8)
    assert script.sent() == ["GET stylequeue", "GET Boto3"]
