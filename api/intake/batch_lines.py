"""Checks of a batch's lines, each alone: a line becomes a job, or it is rejected with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from api.access.auth import Caller
from api.http.errors import Invalid
from api.intake.acceptance import check_job
from api.intake.bodies import without_data
from api.intake.image_files import File
from api.intake.json_members import check_json, check_marks, check_sizes
from api.intake.known_uploads import Line, UploadCheck
from shared.redaction import shortened
from shared.request_errors import BodyTooLarge, InvalidParameter, MalformedJson, RequestError
from shared.settings import Settings
from shared.wire.batch_descriptors import BatchJob
from shared.wire.batch_records import RejectedLine
from shared.wire.descriptors import JobRequest

MERGED = ("params", "output", "metadata")  # merged member by member with the defaults

MAX_DEFAULTS_BYTES = 4096


class LineTooLong(BodyTooLarge):
    """A line of NDJSON is longer than a job may be."""


@dataclass(frozen=True)
class AcceptedLine:
    """A job whose pictures all have a URL or an upload id, once `files` are stored."""

    line: int
    job: JobRequest
    files: tuple[File, ...]
    bytes: int  # of its JSON, with the batch's defaults
    default_bytes: int = 0  # which the defaults add at most


class LineCheck:
    """Checks lines against the rules, and against the custom ids of the lines before."""

    def __init__(
        self, caller: Caller, settings: Settings, defaults: Mapping[str, Any], uploads: UploadCheck
    ) -> None:
        """Take an upload check that has looked for all uploads of the lines."""
        self._caller = caller
        self._settings = settings
        self._uploads = uploads
        self._defaults = checked_defaults(defaults)
        self._default_bytes = len(json.dumps(defaults)) if defaults else 0
        self._lines_of: dict[str, int] = {}

    def check(
        self, lines: Iterable[tuple[int, Line | RequestError]]
    ) -> Iterator[AcceptedLine | RejectedLine]:
        """Yield one result for each line, in order."""
        for number, line in lines:
            try:
                yield self._accepted(number, line)
            except ValidationError as error:
                yield _rejected(number, line, _request_error(error))
            except RequestError as error:
                yield _rejected(number, line, error)

    def _accepted(self, number: int, line: Line | RequestError) -> AcceptedLine:
        if isinstance(line, RequestError):
            raise line
        text = self._merged(line)
        job = BatchJob.model_validate_json(text)
        submission = without_data(job, self._settings.max_data_uri_bytes)
        check_job(submission.job, self._caller, self._settings)
        self._uploads.check(submission)
        self._note(number, submission.job.custom_id)
        return AcceptedLine(number, submission.job, submission.files, len(text), self._default_bytes)

    def _merged(self, line: Line) -> str | bytes:
        """Return the line's JSON over the defaults."""
        if isinstance(line, bytes) and not self._defaults:
            check_json(line)
            return line
        if isinstance(line, bytes):
            return json.dumps(merged(self._defaults, _object(line)))
        check_sizes(line)
        return json.dumps(merged(self._defaults, line))

    def _note(self, number: int, custom_id: str | None) -> None:
        """
        Raises:
            InvalidParameter: another line has the custom_id.
        """
        first = number if custom_id is None else self._lines_of.setdefault(custom_id, number)
        if first != number:
            raise InvalidParameter(f"Line {first} has the same custom_id", "/custom_id")


def checked_defaults(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults.

    Raises:
        InvalidParameter: they are too long. Each record has a copy, so a short request could fill Redis.
    """
    if len(json.dumps(defaults)) > MAX_DEFAULTS_BYTES:
        raise InvalidParameter(
            f"They have more than {MAX_DEFAULTS_BYTES:,} bytes; give long members with each job", "/defaults"
        )
    return dict(defaults)


def merged(defaults: Mapping[str, Any], members: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's members merged over the defaults; `style` replaces default `styles`, and vice versa."""
    given = {**defaults, **members}
    for name in MERGED:
        if isinstance(defaults.get(name), dict) and isinstance(members.get(name), dict):
            given[name] = {**defaults[name], **members[name]}
    if "style" in members and "styles" not in members:
        given.pop("styles", None)
    if "styles" in members and "style" not in members:
        given.pop("style", None)
    return given


def _object(line: bytes) -> dict[str, Any]:
    check_marks(line)
    try:
        members = from_json(line)
    except ValueError as error:
        raise MalformedJson(f"The line is not JSON: {error}") from None
    if not isinstance(members, dict):
        raise InvalidParameter("The line must be a JSON object", "")
    check_json(line)
    return members


def _request_error(error: ValidationError) -> RequestError:
    found = Invalid.of(error, most=1)
    if found.malformed:
        return MalformedJson(found.first.detail)
    return InvalidParameter(found.first.detail, found.first.pointer)


def _rejected(number: int, line: Line | RequestError, error: RequestError) -> RejectedLine:
    return RejectedLine(
        line=number,
        custom_id=_custom_id(line),
        code=error.code,
        pointer=error.pointer and shortened(error.pointer),
        detail=shortened(error.detail),
    )


def _custom_id(line: Line | RequestError) -> str | None:
    """Return the line's custom_id, cut to the usual length; None if it cannot be read."""
    members: Any = line
    if isinstance(line, bytes):
        with suppress(ValueError, InvalidParameter):
            check_marks(line)
            members = from_json(line)
    custom_id = members.get("custom_id") if isinstance(members, Mapping) else None
    return custom_id[:128] if isinstance(custom_id, str) else None
