"""Requests that got no answer, and why."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from client.errors import NobodyAnswers, ServiceUnavailable


@contextmanager
def unavailable_if_no_answer(whom: str, *, repeatable: bool) -> Iterator[None]:
    """Translate a request's failure. It is safe to repeat if nothing was sent, or if it is `repeatable`.

    Raises:
        NobodyAnswers: the connection was refused, or timed out.
        ServiceUnavailable: another failure.
    """
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        detail = f"{whom} cannot be reached: {_why(error)}"
        refused = isinstance(_system_error(error), ConnectionRefusedError)
        if refused or isinstance(error, httpx.ConnectTimeout):
            raise NobodyAnswers(detail, refused=refused) from error
        raise ServiceUnavailable(detail) from error
    except httpx.RequestError as error:
        detail = f"{whom} gave no answer: {_why(error)}"
        raise ServiceUnavailable(detail, safe_to_repeat=repeatable) from error


def _why(error: httpx.RequestError) -> str:
    """Return the reason for a person, without the numbers and the source lines of the libraries below."""
    system = _system_error(error)
    if isinstance(system, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({system.verify_message})"
    if isinstance(system, ssl.SSLError):
        return f"TLS fails ({system.reason})"
    return (system.strerror if system else None) or str(error)


def _system_error(error: BaseException | None) -> OSError | None:
    """Return the operating system's error that a library's exception stands for, if there is one."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error
