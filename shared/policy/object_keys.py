"""Where the picture of a job is to lie."""

from __future__ import annotations

import re
from collections.abc import Collection

from shared.errors import BucketNotAllowed
from shared.settings import Settings
from shared.wire.descriptors import Output

_BY_ID = re.compile(r"results/[^/]+/(job|batch)_.*")


def chosen_place(output: Output, owner: str) -> str | None:
    """What no two jobs may share: a key in the service's bucket, or s3://bucket/key. None: not chosen."""
    if output.key is None:
        return None
    return f"s3://{output.bucket}/{output.key}" if output.bucket else f"results/{owner}/{output.key}"


def result_key(owner: str, job_id: str, extension: str) -> str:
    """Where the picture lies if no place was chosen."""
    return f"results/{owner}/{job_id}.{extension}"


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
