"""A job as multipart/form-data: pictures are files, and every other member is a text field."""

from __future__ import annotations

import json
from typing import Any

from flask import request

from api.intake.image_files import File, form_file
from api.intake.json_members import decoded
from shared.request_errors import InvalidParameter

PLAIN_TEXT_FIELDS = {"custom_id", "lane"}  # taken as they are
REPEATED_FIELDS = {"tags"}  # may come as one part per item; all others are JSON


def read_form(max_file_bytes: int) -> tuple[dict[str, Any], tuple[File, ...]]:
    """Return the job's members, with an upload for each file, and the files.

    Raises:
        InvalidParameter: a name is given twice, or a field is not JSON.
        BodyTooLarge, UnsupportedMediaType: a file is too large, or not an accepted image.
    """
    files = {}
    for name, parts in request.files.lists():
        _require_one(name, len(parts) + len(request.form.getlist(name)))
        files[name] = form_file(name, parts[0], max_file_bytes)
    members = {name: _value(name, texts) for name, texts in request.form.lists()}
    members |= {name: {"upload_id": file.upload_id} for name, file in files.items()}
    return members, tuple(files.values())


def _value(name: str, texts: list[str]) -> Any:
    if name in REPEATED_FIELDS and not _is_collection(texts[0]):
        return texts
    _require_one(name, len(texts))
    if name in PLAIN_TEXT_FIELDS:
        return texts[0]
    try:
        return decoded(texts[0], f"/{name}")
    except (ValueError, RecursionError):  # thousands of brackets exceed the recursion limit
        raise InvalidParameter(f"The form field {name!r} must be JSON", f"/{name}") from None


def _require_one(name: str, number: int) -> None:
    if number > 1:
        raise InvalidParameter(f"The form has {number} parts named {name!r}; it may have one", f"/{name}")


def _is_collection(text: str) -> bool:
    """Return whether the text is a JSON list or object."""
    try:
        return isinstance(json.loads(text), list | dict)
    except (ValueError, RecursionError):
        return False
