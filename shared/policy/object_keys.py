"""The keys of objects. The Lua scripts get these functions too (store/redis/lua.py)."""

from __future__ import annotations

from collections.abc import Collection

from shared.request_errors import BucketNotAllowed, InvalidParameter
from shared.settings import Settings
from shared.wire.descriptors import Output
from shared.wire.records import Job, JobResult

THUMBNAIL_ABOVE = 640  # pixels of a result's longest side; a smaller result is its own thumbnail


def upload_key(owner: str, upload_id: str) -> str:
    return key_of_upload(f"{owner}/{upload_id}")


def key_of_upload(upload: str) -> str:
    """Return the key of an upload that is given as <owner>/<digest>."""
    return f"uploads/{upload}"


def preview_key(owner: str, job_id: str) -> str:
    return f"results/{owner}/{job_id}.preview.jpg"


def results_key(owner: str, batch_id: str, name: str) -> str:
    return f"results/{owner}/{batch_id}/{name}.ndjson"


def result_key(owner: str, job_id: str, extension: str) -> str:
    """Return the key of a picture in the service's bucket."""
    return f"results/{owner}/{job_id}.{extension}"


def thumbnail_key(owner: str, job_id: str) -> str:
    return f"results/{owner}/{job_id}.thumbnail.jpg"


def keys_of_result(job: Job, result: JobResult) -> list[str]:
    """Return the keys in the service's bucket of a result and its thumbnail, which may be missing there."""
    keys = [] if result.bucket else [result.key]
    if has_thumbnail(result.width, result.height):
        keys.append(thumbnail_key(job.folder, job.id))
    return keys


def has_thumbnail(width: int, height: int) -> bool:
    """Return whether a worker makes a thumbnail of a result of this size."""
    return max(width, height) > THUMBNAIL_ABOVE


def picture_location(output: Output, owner: str, job_id: str, extension: str) -> tuple[str | None, str]:
    """Return the bucket (None: the service's) and the key, which are the same for every attempt."""
    if output.bucket:
        return output.bucket, output.key or f"{job_id}.{extension}"
    return None, result_key(owner, job_id, extension)  # an older version let clients choose a key here too


def is_upload(key: str) -> bool:
    return key.startswith("uploads/")


def check_output(output: Output, owner: str, settings: Settings) -> None:
    """
    Raises:
        InvalidParameter: a key is chosen for the service's own bucket.
        BucketNotAllowed: the service may not write into the bucket for this owner.
    """
    if output.key and not output.bucket:
        raise InvalidParameter("output.key needs output.bucket, a bucket of your own", "/output/key")
    if output.bucket and not may_write(output.bucket, owner, settings.s3_output_buckets):
        refusal = f"The service does not write your pictures into the bucket '{output.bucket}'"
        raise BucketNotAllowed(f"{refusal} (s3_output_buckets)", "/output/bucket")


def may_write(bucket: str, owner: str, output_buckets: Collection[str]) -> bool:
    return bucket in output_buckets or f"{owner}:{bucket}" in output_buckets
