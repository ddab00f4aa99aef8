"""Checks that the uploads which jobs name are in the bucket, with few requests to S3.

A client sends its file straight to S3, so the service must look for it. A found upload is remembered for a
while, so a style that many jobs share is looked up once. Many uploads are looked up by one listing. While S3
does not respond, every upload counts as present: jobs are accepted without S3, and the job fails later if a
worker finds no file.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from threading import BoundedSemaphore
from typing import Any

import structlog

from api.intake.bodies import Submission
from shared.errors import PermanentError, RequestError, TransientError, UploadMissing
from shared.policy.object_keys import upload_key
from shared.storage.objects import Storage
from shared.wire.sources import UploadSource

REMEMBERED_SECONDS = 60.0
MOST_REMEMBERED = 20_000
AT_ONCE = 50_000  # ids in one look-up
MOST_ASKING = 8  # threads that wait for S3, so a hanging S3 blocks no others
TURN_SECONDS = 1.0
REST_SECONDS = 30.0  # without a look-up, after S3 did not respond
Line = bytes | Mapping[str, Any]

_UPLOAD_ID = re.compile("[0-9a-f]{64}")
_NAMED = re.compile(rb'"upload_id"\s*:\s*"([0-9a-f]{64})"')


class KnownUploads:
    """The uploads that an API process found in the bucket. Threads may share it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._known: dict[tuple[str, str], float] = {}  # expiry by owner and id
        self._asking = BoundedSemaphore(MOST_ASKING)
        self._silent_until = 0.0

    def note(self, owner: str, upload_ids: Iterable[str]) -> None:
        """Remember uploads that are in the bucket."""
        until = time.monotonic() + REMEMBERED_SECONDS
        self._known |= {(owner, upload_id): until for upload_id in islice(upload_ids, MOST_REMEMBERED)}
        if len(self._known) > MOST_REMEMBERED:
            self._known = dict(islice(self._known.items(), len(self._known) - MOST_REMEMBERED, None))

    def missing(self, owner: str, upload_ids: Iterable[str]) -> set[str]:
        """Return the uploads that are not in the bucket; the empty set while S3 does not respond."""
        now = time.monotonic()
        sought = sorted(each for each in upload_ids if self._known.get((owner, each), 0.0) < now)
        if not sought or now < self._silent_until or not self._asking.acquire(timeout=TURN_SECONDS):
            return set()
        try:
            found = self._storage.found(upload_key(owner, ""), sought)
        except (TransientError, PermanentError) as error:
            self._silent_until = time.monotonic() + REST_SECONDS
            structlog.get_logger().warning("uploads not checked", code=error.code, detail=error.detail)
            return set()
        finally:
            self._asking.release()
        self.note(owner, found)
        return {each for each in sought if each not in found}


class UploadCheck:
    """Refuses the jobs of one request that name a missing upload."""

    def __init__(self, known_uploads: KnownUploads, owner: str) -> None:
        self._known_uploads = known_uploads
        self._owner = owner
        self._missing: set[str] = set()

    def look(self, upload_ids: Iterable[str]) -> None:
        """Look for uploads that the jobs name."""
        rest = iter(upload_ids)
        while some := set(islice(rest, AT_ONCE)):
            self._missing |= self._known_uploads.missing(self._owner, some)

    def check(self, submission: Submission) -> None:
        """Check that the job's uploads are present.

        Raises:
            UploadMissing: `look` did not find one, and no job of this request brought it.
        """
        if not self._missing:
            return
        self._missing.difference_update(file.upload_id for file in submission.files)
        for pointer, source in submission.job.sources().items():
            if isinstance(source, UploadSource) and source.upload_id in self._missing:
                raise UploadMissing(
                    f"There is no upload {source.upload_id}: announce it to POST /v1/uploads, send the file "
                    "to the URL in the response, and submit the job then",
                    f"{pointer}/upload_id",
                )


def check_uploads(submission: Submission, known_uploads: KnownUploads, owner: str) -> None:
    """Check that the uploads of one job are present.

    Raises:
        UploadMissing: one is not in the bucket.
    """
    uploads = UploadCheck(known_uploads, owner)
    own = {file.upload_id for file in submission.files}
    sources = submission.job.sources().values()
    named = {source.upload_id for source in sources if isinstance(source, UploadSource)}
    uploads.look(named - own)
    uploads.check(submission)


def uploads_in(lines: Iterable[tuple[int, Line | RequestError]]) -> Iterator[str]:
    """Yield the uploads that lines name, before the lines are checked."""
    for _, line in lines:
        if isinstance(line, bytes):
            yield from (found.decode() for found in _NAMED.findall(line))
        elif isinstance(line, Mapping):
            yield from uploads_of(line)


def uploads_of(members: Mapping[str, Any]) -> Iterator[str]:
    """Yield the uploads that a job's members name; malformed ones are skipped."""
    styles = members.get("styles")
    sources = [members.get("content"), members.get("style"), *(styles if isinstance(styles, list) else ())]
    for source in sources:
        upload_id = source.get("upload_id") if isinstance(source, Mapping) else None
        if isinstance(upload_id, str) and _UPLOAD_ID.fullmatch(upload_id):
            yield upload_id
