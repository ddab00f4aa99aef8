"""Ids that sort by time.

The ids of a batch's jobs consist of the digits of the batch's id and the number of the job's line.
"""

from __future__ import annotations

import re

from uuid6 import uuid7

JOB, BATCH, BULK, AUDIT = "job_", "batch_", "bulk_", "audit_"
LINE_DIGITS = 6  # hexadecimal
MAX_LINE = 16**LINE_DIGITS - 1
_ID = re.compile(rf"{JOB}[0-9a-f]{{32}}|{BATCH}[0-9a-f]{{26}}")


def is_id(text: str) -> bool:
    """Return whether the text has the form of a job's or a batch's id."""
    return _ID.fullmatch(text) is not None


def new_job_id() -> str:
    return JOB + uuid7().hex


def first_job_id(milliseconds: int) -> str:
    """Return an id between those of jobs created before this time since the epoch and all others."""
    return f"{JOB}{milliseconds:012x}"


def new_batch_id() -> str:
    return BATCH + uuid7().hex[:-LINE_DIGITS]


def new_bulk_id() -> str:
    return BULK + uuid7().hex


def new_audit_id() -> str:
    return AUDIT + uuid7().hex


def first_audit_id(milliseconds: int) -> str:
    """Return an id between those of entries made before this time since the epoch and all others."""
    return f"{AUDIT}{milliseconds:012x}"


def job_id_of_line(batch_id: str, line: int) -> str:
    """Return the id of the job in this line of the batch, from 1 to MAX_LINE."""
    return f"{JOB}{batch_id.removeprefix(BATCH)}{line:0{LINE_DIGITS}x}"


def line_of(job_id: str) -> int:
    """Return the line of its batch that a job came from."""
    return int(job_id[-LINE_DIGITS:], 16)


def batch_of(job_id: str) -> str:
    """Return the id of the batch that a job belongs to, if it belongs to one."""
    return BATCH + job_id.removeprefix(JOB)[:-LINE_DIGITS]


def lines_between(batch_id: str) -> tuple[str, str]:
    """Return the smallest and the largest id that a job of the batch can have."""
    return job_id_of_line(batch_id, 0), job_id_of_line(batch_id, MAX_LINE)
