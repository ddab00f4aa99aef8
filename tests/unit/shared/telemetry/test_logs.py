"""Lines of the log: one event, one line, from any library and with any content."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.telemetry.logs import _to_json

KEY = "sq_0123456789ab_" + "Ab-_" * 10 + "xyz"
MEMBERS = {"timestamp", "level", "event", "logger", "service", "version", "host", "pid"}
PREPARED = """
import logging, structlog, sys, threading, warnings
from shared.telemetry.logs import configure_logs
from shared.settings import settings_or_exit
configure_logs(settings_or_exit(), "worker")
log = structlog.get_logger()
"""


def lines_of(program: str, **variables: str) -> list[str]:
    """Return the lines that a process logs when it runs this code."""
    environment = {**os.environ, **{f"STYLEQUEUE_{name}": value for name, value in variables.items()}}
    command = [sys.executable, "-c", PREPARED + program]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.stdout == ""
    return result.stderr.splitlines()


def json_lines_of(program: str, **variables: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines_of(program, LOG_FORMAT="json", **variables)]


def test_our_lines_and_those_of_libraries_have_one_form() -> None:
    ours, theirs, warning, raised, died, end = json_lines_of(
        "structlog.contextvars.bind_contextvars(request_id='r-1')\n"
        "log.info('job ended', outcome='succeeded')\n"
        "logging.getLogger('botocore.retries').warning('again %s', 'and again')\n"
        "warnings.warn('old', DeprecationWarning)\n"
        "try: 1 / 0\nexcept ZeroDivisionError: logging.getLogger('urllib3').exception('oh')\n"
        "thread = threading.Thread(target=lambda: 1 / 0, name='t'); thread.start(); thread.join()\n"
        "1 / 0\n"
    )
    for line in (ours, theirs, warning, raised, end):
        assert set(line) >= MEMBERS | {"request_id"}
        assert (line["service"], line["request_id"]) == ("worker", "r-1")
    assert (ours["logger"], ours["level"], ours["outcome"]) == ("stylequeue", "info", "succeeded")
    assert (theirs["logger"], theirs["level"]) == ("botocore.retries", "warning")
    assert theirs["event"] == "again and again"
    assert warning["logger"] == "py.warnings"
    for line in (raised, died, end):
        assert "ZeroDivisionError: division by zero" in line["exception"]
    assert (died["event"], died["thread"], end["event"]) == ("thread died", "t", "process died")


def test_the_level_is_obeyed_and_libraries_never_say_less_important_things() -> None:
    program = (
        "log.debug('d'); log.info('i'); log.error('e')\n"
        "theirs = logging.getLogger('botocore'); theirs.debug('td'); theirs.info('ti'); theirs.error('te')\n"
    )
    for level, events in {"debug": "d i e te", "info": "i e te", "error": "e te"}.items():
        assert [line["event"] for line in json_lines_of(program, LOG_LEVEL=level)] == events.split()


def test_no_form_and_no_logger_lets_a_secret_or_a_control_character_through() -> None:
    evil = f"{KEY}\r\n\x1b[2J\x9b"
    program = f"log.info({evil!r}, value={evil!r})\nlogging.getLogger('x').error('%s', {evil!r})\n"
    for form in ("json", "console"):
        ours, theirs = lines_of(program, LOG_FORMAT=form)
        for line in (ours, theirs):
            assert KEY[16:] not in line
            assert "[hidden]" in line
            assert line.isprintable()


def test_a_person_is_shown_no_json_and_no_variables() -> None:
    lines = lines_of("secret = 'canary'\ntry: int('x')\nexcept ValueError: log.exception('no number')\n")
    assert "no number" in lines[0]
    assert not lines[0].startswith("{")
    assert "canary" not in "\n".join(lines[1:])


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), st.one_of(st.text(), st.binary(), st.integers(), st.none()), max_size=5))
def test_any_event_is_one_line_of_json(event: dict[str, Any]) -> None:
    line = _to_json(None, "info", event)
    assert line.isascii()
    assert line.isprintable()
    assert set(json.loads(line)) == set(event)
