"""Many names in a folder are found with few requests, on S3 servers behind a proxy that counts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from shared.errors import PermanentError, StorageUnavailable, TransientError
from shared.settings import Settings
from shared.storage.objects import FEW_NAMES, Storage
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
def test_few_are_asked_for_one_by_one(counted: Counted, there: int, missing: int) -> None:
    found = counted.storage.found(FOLDER, names(there, missing))
    assert found == set(names(there, 0))
    assert counted.asked == ["HEAD"] * (there + missing)


@pytest.mark.parametrize(("there", "missing"), [(5, 5), (200, 0), (0, 100), (FILES, 900)])
def test_many_take_a_request_for_each_thousand_of_the_folder(
    counted: Counted, there: int, missing: int
) -> None:
    found = counted.storage.found(FOLDER, names(there, missing))
    assert found == set(names(there, 0))
    assert set(counted.asked) == {"GET"}
    assert len(counted.asked) <= 2


def test_there_are_no_more_requests_than_names(counted: Counted) -> None:
    counted.storage.found(FOLDER, names(FEW_NAMES + 1, 0))
    assert len(counted.asked) <= FEW_NAMES + 1


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
    counted.proxy.heal()
    counted.proxy.own_answer = lambda _: s3_error(403, "AccessDenied")
    with pytest.raises((PermanentError, TransientError)):
        counted.storage.found(FOLDER, names(number, 0))
