"""The forms of a batch, each read as numbered lines."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import IO, Any, TypeVar

from api.intake.batch_lines import LineTooLong
from api.intake.batch_spool import spooled
from api.intake.bodies import max_job_bytes
from api.intake.known_uploads import Line, uploads_in
from shared.errors import PermanentError
from shared.ids import MAX_LINE
from shared.policy.picture_names import OTHER, has_picture_name, kind_of_name
from shared.policy.source_rules import s3_location, s3_prefix
from shared.request_errors import InvalidParameter, RequestError, UrlNotAllowed
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.wire.batch_descriptors import (
    BatchRequest,
    InputUrlBatch,
    JobsBatch,
    Matrix,
    MatrixBatch,
    PrefixBatch,
)
from shared.wire.sources import ImageSource

MAX_KINDS = 20  # of skipped keys that are counted separately
MAX_LABEL = 128  # characters of a custom_id
MAX_NOTE = 512  # characters of a value in the metadata

T = TypeVar("T")
Lines = Callable[[], Iterator[tuple[int, Line | RequestError]]]


@dataclass(frozen=True)
class Form:
    """A batch's lines, which may be read more than once; `skipped` counts what the last reading left out.

    `naming`, if set, is a cheaper reading: fewer lines that together name the same uploads.
    """

    lines: Lines
    skipped: Counter[str] = field(default_factory=Counter)
    naming: Lines | None = None

    def uploads(self) -> Iterator[str]:
        """Yield the uploads that the lines name; some more than once."""
        return uploads_in((self.naming or self.lines)())


@contextmanager
def form_of(batch: BatchRequest, owner: str, settings: Settings, storage: Storage) -> Iterator[Form]:
    """Yield the lines of a batch.

    Raises:
        RequestError: an object that the batch names cannot be read, or there are too many combinations.
    """
    match batch:
        case JobsBatch():
            yield Form(lambda: enumerate(batch.jobs, 1))
        case MatrixBatch():
            _check_size(batch.matrix, settings.max_batch_jobs)
            yield Form(lambda: enumerate(_combinations(batch.matrix), 1))
        case InputUrlBatch():
            bucket, key = _checked(s3_location, batch.input_url, owner, settings, "/input_url")
            chunks = _about("/input_url", storage.stream(key, bucket=bucket))
            with spooled(chunks, settings.max_batch_bytes, "/input_url") as file:
                yield Form(lambda: ndjson_lines(file, settings))
        case PrefixBatch():
            bucket, prefix = _checked(s3_prefix, batch.content_prefix, owner, settings, "/content_prefix")
            skipped: Counter[str] = Counter()
            keys = partial(_picture_keys, storage, bucket, prefix, skipped)
            yield Form(
                lambda: enumerate(_under_prefix(batch, keys(), bucket, prefix), 1),
                skipped,
                naming=lambda: enumerate({"style": _dumped(style)} for style in batch.styles),
            )


def ndjson_lines(file: IO[bytes], settings: Settings) -> Iterator[tuple[int, bytes | RequestError]]:
    """Yield the lines of a file from its beginning. Empty lines are numbered but left out."""
    max_bytes = max_job_bytes(settings)
    file.seek(0)
    number = 0
    while text := file.readline(max_bytes + 1):
        number += 1
        if number > MAX_LINE:
            raise InvalidParameter(f"The batch has more than {MAX_LINE:,} lines", "")
        if number == 1:
            text = text.removeprefix(BOM_UTF8)
        if len(text) > max_bytes:
            while text and not text.endswith(b"\n"):
                text = file.readline(max_bytes)
            yield number, LineTooLong(f"The line has more than {max_bytes:,} bytes")
        elif text.strip():
            yield number, text


def _check_size(matrix: Matrix, max_jobs: int) -> None:
    if matrix.mode == "product":
        jobs = len(matrix.contents) * len(matrix.styles) * len(matrix.strengths or (1,))
        if jobs > max_jobs:
            raise InvalidParameter(
                f"The combinations are {jobs:,} jobs; the limit is {max_jobs:,} (max_batch_jobs)", "/matrix"
            )


def _combinations(matrix: Matrix) -> Iterator[dict[str, Any]]:
    """Yield the jobs. A custom_id has the indices of the content, style and strength in their lists."""
    contents, styles = ([_dumped(source) for source in each] for each in (matrix.contents, matrix.styles))
    lists: list[Sequence[Any]] = [contents, styles, *([matrix.strengths] if matrix.strengths else ())]
    indices = map(range, map(len, lists))
    combine = product if matrix.mode == "product" else partial(zip, strict=True)
    for combination in combine(*indices):
        content, style, *strength = (each[index] for each, index in zip(lists, combination, strict=True))
        job = {"content": content, "style": style, "custom_id": "-".join(map(str, combination))}
        yield job | ({"params": {"strength": strength[0]}} if strength else {})


def _picture_keys(storage: Storage, bucket: str, prefix: str, skipped: Counter[str]) -> Iterator[str]:
    """Yield the keys with the name of a picture; count the others, except empty folders."""
    skipped.clear()
    for key in _about("/content_prefix", storage.keys(prefix, bucket=bucket)):
        if has_picture_name(key):
            yield key
        elif not key.endswith("/"):
            kind = kind_of_name(key)
            skipped[kind if kind in skipped or len(skipped) < MAX_KINDS else OTHER] += 1


def _under_prefix(
    form: PrefixBatch, keys: Iterator[str], bucket: str, prefix: str
) -> Iterator[dict[str, Any]]:
    """Yield the jobs.

    A custom_id is the key below the prefix; with several styles, `@` and the style's number follow.
    """
    styles = [(number, _dumped(style)) for number, style in enumerate(form.styles, 1)]
    for key in keys:
        name = key.removeprefix(prefix)
        for number, style in styles:
            custom_id = f"{name} @{number}" if len(styles) > 1 else name
            job = {
                "content": {"url": f"s3://{bucket}/{key}"},
                "style": style,
                "metadata": {"content_key": name[:MAX_NOTE], "style_index": str(number)},
            }
            yield job | ({"custom_id": custom_id} if len(custom_id) <= MAX_LABEL else {})


def _checked(
    rule: Callable[[str, str, Settings], tuple[str, str]],
    url: str,
    owner: str,
    settings: Settings,
    pointer: str,
) -> tuple[str, str]:
    """Return the bucket and key of a URL that the owner may name."""
    try:
        return rule(url, owner, settings)
    except UrlNotAllowed as error:
        raise UrlNotAllowed(error.detail, pointer) from None


def _about(pointer: str, items: Iterator[T]) -> Iterator[T]:
    """Yield the items; turn an error of the storage into one of the client, who named the location."""
    try:
        yield from items
    except PermanentError as error:
        raise InvalidParameter(error.detail, pointer) from error


def _dumped(source: ImageSource) -> dict[str, Any]:
    return source.model_dump(mode="json")
