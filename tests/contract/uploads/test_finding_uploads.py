"""Many names in a folder are found with few requests, on S3 servers behind a proxy that counts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from shared.errors import PermanentError, StorageUnavailable, TransientError
from shared.settings import Settings
from shared.storage.objects import Storage
from tests.faults.wires.http_proxy import Answer, HttpProxy, Request, S3Fault, proxy_before, s3_error
from tests.stacks.servers import running_moto, running_rclone

FOLDER, OTHER_FOLDER = "uploads/anna/", "uploads/anna2/"
FILES = 1100  # more than one list holds


def name(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


@dataclass
class Counted:
    """A storage, and the requests that it sent."""

    storage: Storage
    proxy: HttpProxy
    asked: list[str] = field(default_factory=list)

    def note(self, request: Request) -> None:
        self.asked.append(request.method)


@pytest.fixture(scope="module", params=["rclone", "moto"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A server with many files in the folder, and one file of the same name in another."""
    start = running_rclone if request.param == "rclone" else running_moto
    with start(tmp_path_factory.mktemp(request.param)) as settings, ThreadPoolExecutor(8) as threads:
        storage = Storage(settings)
        keys = [FOLDER + name(number) for number in range(FILES)] + [OTHER_FOLDER + name(FILES)]
        list(threads.map(lambda key: storage.put(key, b"x", "image/jpeg"), keys))
        yield settings


@pytest.fixture
def counted(server: Settings) -> Iterator[Counted]:
    with proxy_before(server) as proxy:
        through = server.model_copy(update={"s3_endpoint_url": f"http://127.0.0.1:{proxy.port}"})
        counted = Counted(Storage(through), proxy)
        proxy.own_answer = counted.note
        yield counted


def names(there: int, missing: int) -> list[str]:
    """Return sorted names; the first ones in numbers exist."""
    return sorted(name(number) for number in range(FILES - there, FILES + missing))


@pytest.mark.parametrize(("there", "missing"), [(0, 1), (1, 0), (3, 5)])
def test_the_beginnings_of_few_are_read_one_by_one(counted: Counted, there: int, missing: int) -> None:
    found = counted.storage.beginnings(FOLDER, names(there, missing), 64)
    assert found == dict.fromkeys(names(there, 0), b"x")
    assert counted.asked == ["GET"] * (there + missing)


@pytest.mark.parametrize(
    ("content", "expected"), [(b"", b""), (b"abc", b"abc"), (b"abcde" * 100_000, b"abcd")]
)
def test_a_beginning_has_no_more_bytes_than_wanted(counted: Counted, content: bytes, expected: bytes) -> None:
    key = "uploads/bert/file"
    counted.storage.put(key, content, "image/jpeg")
    assert counted.storage.beginnings("uploads/bert/", ["file"], 4) == {"file": expected}


def test_a_server_without_ranges_is_not_read_to_the_end(counted: Counted) -> None:
    counted.proxy.own_answer = lambda _: Answer(200, b"abcde" * 100_000)
    assert counted.storage.beginnings(FOLDER, names(1, 0), 4) == {names(1, 0)[0]: b"abcd"}


@pytest.mark.parametrize(("there", "missing"), [(5, 5), (200, 0), (0, 100), (FILES, 900)])
def test_many_take_a_request_for_each_thousand_of_the_folder(
    counted: Counted, there: int, missing: int
) -> None:
    found = counted.storage.found(FOLDER, names(there, missing))
    assert found == set(names(there, 0))
    assert set(counted.asked) == {"GET"}
    assert len(counted.asked) <= 2


def test_there_are_no_more_requests_than_names(counted: Counted) -> None:
    counted.storage.found(FOLDER, names(2, 0))
    assert len(counted.asked) <= 2


def test_a_server_that_always_lists_from_the_beginning_is_asked_one_by_one(counted: Counted) -> None:
    first = sorted(name(number) for number in range(FILES))[:3]
    items = "".join(f"<Contents><Key>{FOLDER}{each}</Key></Contents>" for each in first)
    page = f"<ListBucketResult><IsTruncated>true</IsTruncated>{items}</ListBucketResult>"

    def ignorant(request: Request) -> Answer | None:
        counted.note(request)
        return Answer(200, page.encode()) if "list-type" in request.path else None

    counted.proxy.own_answer = ignorant
    assert counted.storage.found(FOLDER, names(10, 10)) == set(names(10, 0))
    assert counted.asked.count("HEAD") <= 20


@pytest.mark.parametrize("number", [1, 50])
def test_a_server_that_cannot_say_is_no_answer(counted: Counted, number: int) -> None:
    counted.proxy.inject(S3Fault.REFUSE)
    with pytest.raises(StorageUnavailable):
        counted.storage.found(FOLDER, names(number, 0))
    with pytest.raises(StorageUnavailable):
        counted.storage.beginnings(FOLDER, names(number, 0), 64)
    counted.proxy.heal()
    counted.proxy.own_answer = lambda _: s3_error(403, "AccessDenied")
    with pytest.raises((PermanentError, TransientError)):
        counted.storage.found(FOLDER, names(number, 0))
    with pytest.raises(StorageUnavailable):
        counted.storage.beginnings(FOLDER, names(number, 0), 64)
