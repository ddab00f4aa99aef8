"""Errors of connections and of the environment, told in words."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import getproxies, proxy_bypass

import httpx

from client.errors import NobodyAnswers, ServiceUnavailable, StyleQueueClientError

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")  # never reached through a proxy
CERTIFICATES = "SSL_CERT_FILE or SSL_CERT_DIR"
PROXIES = "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY or NO_PROXY"


@contextmanager
def refusing_a_bad_environment() -> Iterator[None]:
    """Translate httpx's errors about variables. No value is shown, because it may hold a password.

    Raises:
        StyleQueueClientError: a variable for certificates or proxies cannot be used.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or error.__class__.__name__
        raise StyleQueueClientError(
            f"{CERTIFICATES} names no certificates that can be read: {reason}"
        ) from None
    except ImportError:
        socks = "names a SOCKS proxy, which takes: pip install 'httpx[socks]'"
        raise StyleQueueClientError(f"{PROXIES} {socks}") from None
    except (ValueError, httpx.InvalidURL):
        raise StyleQueueClientError(f"{PROXIES} is not a proxy's address") from None


@contextmanager
def unavailable_if_no_answer(whom: str, *, repeatable: bool) -> Iterator[None]:
    """Translate a failed request. It is safe to repeat if nothing was sent, or if it is `repeatable`.

    Raises:
        NobodyAnswers: the connection was refused or timed out, or TLS failed.
        ServiceUnavailable: another failure.
    """
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        detail = f"{whom} cannot be reached: {_why(error)}"
        refused = _is_refused_by_the_service(error)
        if (
            refused
            or isinstance(error, httpx.ConnectTimeout)
            or isinstance(_system_error(error), ssl.SSLError)
        ):
            raise NobodyAnswers(detail, refused=refused) from error
        raise ServiceUnavailable(detail) from error
    except httpx.RequestError as error:
        detail = f"{whom} did not respond: {_why(error)}"
        raise ServiceUnavailable(detail, safe_to_repeat=repeatable) from error


def _is_refused_by_the_service(error: httpx.RequestError) -> bool:
    """Return whether nothing listens at the service's address. A proxy's refusal does not tell."""
    url, proxies = error.request.url, getproxies()
    proxied = url.scheme in proxies or "all" in proxies
    direct = not proxied or url.host in LOOPBACK_HOSTS or bool(proxy_bypass(url.host))
    return direct and isinstance(_system_error(error), ConnectionRefusedError)


def _why(error: httpx.RequestError) -> str:
    """Return the reason for a person, without error numbers and source lines."""
    system = _system_error(error)
    if isinstance(system, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({system.verify_message})"
    if isinstance(system, ssl.SSLError) or "handshake" in str(system):  # without a response, a TimeoutError
        reason = getattr(system, "reason", "no response")
        return f"TLS fails ({reason}); a service without TLS is at http://"
    return (system.strerror if system else None) or str(error)


def _system_error(error: BaseException | None) -> OSError | None:
    """Return the operating system's error behind a library's exception, if there is one."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error
