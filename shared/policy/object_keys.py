"""The keys of objects. The Lua scripts get these functions too (store/redis/lua.py)."""

from __future__ import annotations

import re
from collections.abc import Collection

from shared.errors import BucketNotAllowed
from shared.settings import Settings
from shared.wire.descriptors import Output

_BY_ID = re.compile(r"results/[^/]+/(job|batch)_.*")


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
    """Return the key of a picture whose place the client did not choose."""
    return f"results/{owner}/{job_id}.{extension}"


def chosen_key(owner: str, key: str) -> str:
    """Return the key of a picture whose place in the service's bucket the client chose."""
    return f"results/{owner}/{key}"


def place_elsewhere(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{key}"


def chosen_place(output: Output, owner: str) -> str | None:
    """Return the place that the client chose, which no two jobs may share; None if it chose none.

    It is a key in the service's bucket, or s3://bucket/key.
    """
    if output.key is None:
        return None
    return place_elsewhere(output.bucket, output.key) if output.bucket else chosen_key(owner, output.key)


def picture_place(output: Output, owner: str, job_id: str, extension: str) -> tuple[str | None, str]:
    """Bucket (None: the service's) and key; the same for every attempt, which writes the same picture."""
    if output.bucket:
        return output.bucket, output.key or f"{job_id}.{extension}"
    return None, chosen_place(output, owner) or result_key(owner, job_id, extension)


def is_used_once(key: str) -> bool:
    """Whether the id of its job or batch is in a key of the service's bucket: then it is never another's."""
    return _BY_ID.fullmatch(key) is not None


def check_output(output: Output, owner: str, settings: Settings) -> None:
    """Raises BucketNotAllowed unless the service may write there for this owner."""
    if output.bucket and not may_write(output.bucket, owner, settings.s3_output_buckets):
        refusal = f"The service does not write your pictures into the bucket '{output.bucket}'"
        raise BucketNotAllowed(f"{refusal} (s3_output_buckets)", "/output/bucket")


def may_write(bucket: str, owner: str, output_buckets: Collection[str]) -> bool:
    return bucket in output_buckets or f"{owner}:{bucket}" in output_buckets
