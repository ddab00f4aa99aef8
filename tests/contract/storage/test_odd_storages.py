"""S3 servers that keep, demand or refuse more than others: a proxy before a real one imitates them."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from click.testing import CliRunner, Result

from client.command import main
from shared.errors import ObjectsKept, StorageUnavailable
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.objects.object_gc import ObjectGarbage
from shared.telemetry.metrics import REGISTRY
from tests.checks.agreement import members
from tests.faults.wires.http_proxy import Answer, HttpProxy, Request, s3_error
from tests.jobs import let_time_pass
from worker.upkeep.removal import Removal

DATA = b"a picture"
OF_JOBS = [f"results/odd/job_{number}.jpg" for number in range(4)]
UPLOAD = "uploads/anna/" + "5" * 64  # a new job may name it, so it is deleted by a presigned request
UNSUPPORTED = "Unsupported header '{}' received for this API call."


@pytest.fixture
def storage(proxied_settings: Settings) -> Storage:
    return Storage(proxied_settings)


def setup(settings: Settings) -> Result:
    return CliRunner().invoke(main, ["storage", "setup"], env=settings.to_environment())


# --- objects that are kept ----------------------------------------------------------------------------


def keeping(direct: Storage, *locked: str, code: str = "AccessDenied") -> Callable[[Request], Answer | None]:
    """Delete all objects but `locked`: 200 with an error for each key, or 403 for one alone."""

    def answer(request: Request) -> Answer | None:
        key = urlsplit(request.path).path.partition("/stylequeue/")[2]
        if request.method == "DELETE" and key in locked:
            return s3_error(403, code)
        if request.method != "POST":
            return None
        keys = re.findall("<Key>(.*?)</Key>", request.body.decode())
        direct.delete_many(set(keys) - set(locked))
        errors = "".join(
            f"<Error><Key>{key}</Key><Code>{code}</Code><Message>no</Message></Error>"
            for key in keys
            if key in locked
        )
        return Answer(200, f"<DeleteResult>{errors}</DeleteResult>".encode())

    return answer


def counted(operation: str, reason: str = "refused") -> float:
    labels = {"operation": operation, "reason": reason}
    return REGISTRY.get_sample_value("stylequeue_s3_errors_total", labels) or 0


@pytest.mark.parametrize(
    ("code", "forbidden", "reason"), [("AccessDenied", True, "refused"), ("InternalError", False, "server")]
)
def test_an_error_for_a_key_in_a_200_raises_and_is_counted(
    storage: Storage, proxy: HttpProxy, s3_settings: Settings, code: str, forbidden: bool, reason: str
) -> None:
    for key in OF_JOBS:
        storage.put(key, DATA, "image/jpeg")
    proxy.own_answer = keeping(Storage(s3_settings), *OF_JOBS[:2], code=code)
    before = counted("DeleteObjects", reason)
    with pytest.raises(
        ObjectsKept, match=rf"does not delete s3://stylequeue/.* and 1 more \({code}\)"
    ) as kept:
        storage.delete_many(OF_JOBS)
    assert (kept.value.keys, kept.value.forbidden) == (set(OF_JOBS[:2]), forbidden)
    assert counted("DeleteObjects", reason) == before + 2
    assert list(storage.keys("results/odd/job_")) == OF_JOBS[:2]


@pytest.mark.parametrize("body", [b"", b"<html><body>Hello</body></html>", b"<!DOCTYPE html><p>Hello<br>"])
def test_a_200_that_is_not_s3s_is_no_deletion_and_is_tried_again(
    storage: Storage, proxy: HttpProxy, body: bytes
) -> None:
    storage.put(OF_JOBS[0], DATA, "image/jpeg")
    proxy.own_answer = lambda request: Answer(200, body) if request.method == "POST" else None
    with pytest.raises(StorageUnavailable):
        storage.delete_many(OF_JOBS)
    answers = iter([Answer(200, body)])
    proxy.own_answer = lambda request: next(answers, None) if request.method == "POST" else None
    storage.delete_many(OF_JOBS)
    assert not storage.exists(OF_JOBS[0])


def left(storage: Storage) -> list[str]:
    return [*storage.keys("results/odd/"), *storage.keys("uploads/anna/")]


def test_objects_that_s3_keeps_are_deleted_later_and_hold_nothing_up(
    storage: Storage, proxy: HttpProxy, s3_settings: Settings, connection: redis.Redis
) -> None:
    others = [f"uploads/anna/{digit * 64}" for digit in "abc"]
    for key in (*OF_JOBS, UPLOAD, *others):
        storage.put(key, DATA, "image/jpeg")
        connection.zadd("sq:doomed", {key: 0})
    locked = (OF_JOBS[0], UPLOAD)
    proxy.own_answer = keeping(Storage(s3_settings), *locked)
    before = counted("DeleteObject")
    removal = Removal(ObjectGarbage(connection), storage, upload_retention_seconds=0)
    with pytest.raises(ObjectsKept):
        removal.work_off()
    assert left(storage) == sorted(locked)
    assert sorted(members(connection, "sq:removing")) == sorted(locked)
    assert counted("DeleteObject") == before + 1
    proxy.own_answer = lambda _: None
    let_time_pass(connection, "removing")
    removal.work_off()
    assert left(storage) == []
    assert members(connection, "sq:removing") == []


def test_setup_reports_a_denied_delete_and_names_the_remaining_objects(
    proxied_settings: Settings, storage: Storage, proxy: HttpProxy
) -> None:
    def denied(request: Request) -> Answer | None:
        if request.method == "POST":
            error = "<Error><Code>AccessDenied</Code></Error>"  # without the key
            return Answer(200, f"<DeleteResult>{error}</DeleteResult>".encode())
        return s3_error(403, "AccessDenied") if request.method == "DELETE" else None

    proxy.own_answer = denied
    result = setup(proxied_settings)
    (left,) = storage.keys("results/setup/")
    proxy.own_answer = lambda _: None
    storage.delete(left)
    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == (
        "Error: The S3 credentials may not delete an object; "
        f"the object of this check is left: s3://stylequeue/{left}"
    )


def test_setup_leaves_nothing_when_another_right_is_missing(
    proxied_settings: Settings, storage: Storage, proxy: HttpProxy
) -> None:
    def unlisted(request: Request) -> Answer | None:
        listing = "list-type" in parse_qs(urlsplit(request.path).query)
        return s3_error(403, "AccessDenied") if listing else None

    proxy.own_answer = unlisted
    result = setup(proxied_settings)
    proxy.own_answer = lambda _: None
    assert result.output.splitlines()[-1] == "Error: The S3 credentials may not list an object"
    assert list(storage.keys("results/setup/")) == []


def test_setup_notices_a_delete_that_does_nothing(
    proxied_settings: Settings, storage: Storage, proxy: HttpProxy
) -> None:
    proxy.own_answer = lambda request: Answer(200, b"<DeleteResult/>") if request.method == "POST" else None
    result = setup(proxied_settings)
    assert result.output.splitlines()[-1] == (
        "Error: The storage says that it has deleted an object, and keeps it"
    )
    assert list(storage.keys("results/setup/")) == []


# --- checksums ------------------------------------------------------------------------------------------


def older(request: Request) -> Answer | None:
    """Demand Content-MD5 for the deletion of many objects, and know no other checksum."""
    for name in request.headers:
        if name.lower().startswith(("x-amz-checksum-", "x-amz-sdk-checksum-")):
            return s3_error(400, "InvalidArgument", UNSUPPORTED.format(name.lower()))
    if request.method == "POST" and "delete" in urlsplit(request.path).query:
        md5 = b64encode(hashlib.md5(request.body, usedforsecurity=False).digest()).decode()
        if request.headers.get("Content-MD5") != md5:
            return s3_error(
                400, "MissingContentMD5", "Missing required header for this request: Content-Md5."
            )
    return None


def test_a_store_that_knows_content_md5_and_no_other_checksum_serves_all_that_is_done(
    proxied_settings: Settings, proxy: HttpProxy
) -> None:
    proxy.own_answer = older
    storage = Storage(proxied_settings.model_copy(update={"s3_upload_checksum": "none"}))
    storage.put(OF_JOBS[0], DATA, "image/jpeg")
    storage.put_file(OF_JOBS[1], BytesIO(bytes(9_000_000)), "application/x-ndjson")  # in parts
    assert storage.get(OF_JOBS[0], max_bytes=100) == DATA
    storage.delete_many(OF_JOBS)
    assert list(storage.keys("results/odd/job_")) == []
    result = setup(proxied_settings.model_copy(update={"s3_upload_checksum": "none"}))
    assert result.stdout.splitlines()[-1].endswith("tried, all granted"), result.output


def test_setup_says_which_setting_a_store_needs_that_refuses_checksums(
    proxied_settings: Settings, storage: Storage, proxy: HttpProxy
) -> None:
    proxy.own_answer = older
    result = setup(proxied_settings)
    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == (
        "Error: The storage refuses a presigned upload (InvalidArgument: Unsupported header "
        "'x-amz-checksum-sha256' received for this API call.); set STYLEQUEUE_S3_UPLOAD_CHECKSUM=none"
    )
    assert list(storage.keys("results/setup/")) == []
