"""Reads files behind URLs that strangers give, without letting them reach into this network.

requests-hardened resolves a host once, checks the address and connects to that very address, so a name server
that changes its answer gains nothing. This adds the addresses that it leaves open, allowed hosts,
redirects (each hop is checked like a first URL), a deadline for the whole fetch, and a limit of bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from typing import Any
from urllib.parse import urljoin

import requests
from requests.adapters import HTTPAdapter
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3 import HTTPResponse, Timeout
from urllib3.exceptions import HTTPError

from shared.errors import (
    SourceForbidden,
    SourceNotFound,
    SourceRejected,
    SourceTooLarge,
    SourceUnavailable,
    UrlNotAllowed,
)
from shared.settings import Settings
from shared.urls import Endpoint, check_url, is_allowed_host, is_public
from worker.deadline import Deadline, WatchedHttpPool, WatchedHttpsPool

MAX_REDIRECTS = 3
READ_CHUNK_BYTES = 1 << 16
HEADERS = {"User-Agent": "stylequeue", "Accept": "image/*", "Accept-Encoding": "identity"}
GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
TRY_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


class GuardedHttp:
    """One per process: it keeps its connections, and any thread may call it."""

    def __init__(self, settings: Settings, ca_bundle: str | None = None) -> None:
        """`ca_bundle`: a file with the certificate authorities to trust, in place of certifi's."""
        self._settings = settings
        self._session = _session(settings, ca_bundle)

    def get(self, url: str) -> bytes:
        """The file behind `url`. The resolver's own time-outs add to `source_timeout_seconds`.

        Raises:
            SourceForbidden: it, or a redirect, has a scheme, a port or an address that is not allowed.
            SourceNotFound: the server answers 404 or 410.
            SourceRejected: the server answers another 4xx, redirects too often, or what cannot be understood.
            SourceTooLarge: the file is larger than `max_upload_bytes`; no more than that is read.
            SourceUnavailable: no connection, no answer within the deadline, 429 or a server error.
        """
        endpoint = self._check(url)
        with Deadline(self._settings.source_timeout_seconds) as deadline, _translated_errors(endpoint.host):
            try:
                return self._follow(url, endpoint, deadline)
            except (requests.RequestException, HTTPError, OSError):
                deadline.check(endpoint.host)
                raise

    def close(self) -> None:
        """Closes the connections that are kept."""
        self._session.close()

    def _check(self, url: str) -> Endpoint:
        try:
            return check_url(url, self._settings)
        except UrlNotAllowed as error:
            raise SourceForbidden(error.detail) from None

    def _follow(self, url: str, endpoint: Endpoint, deadline: Deadline) -> bytes:
        host = endpoint.host
        for _ in range(1 + MAX_REDIRECTS):
            with self._request(url, deadline) as response:
                target = self._session.get_redirect_target(response)
                if target is None:
                    return self._read(response, host, deadline)
            url = urljoin(url, target)
            endpoint = self._check_redirect(url, endpoint.scheme, host)
        raise SourceRejected(f"{host} redirects more than {MAX_REDIRECTS} times")

    def _check_redirect(self, url: str, scheme: str, host: str) -> Endpoint:
        """The refusal does not say where it leads: an allowed host may name others of a private network."""
        try:
            endpoint = check_url(url, self._settings)
        except UrlNotAllowed:
            raise SourceForbidden(f"{host} redirects to a URL that the service does not fetch from") from None
        if scheme == "https" and endpoint.scheme != "https":
            raise SourceForbidden(f"{host} redirects from https:// to http://")
        return endpoint

    def _request(self, url: str, deadline: Deadline) -> requests.Response:
        # Any: requests takes it, but its types do not say so.
        timeout: Any = Timeout(total=deadline.remaining_seconds())
        return self._session.get(url, allow_redirects=False, stream=True, timeout=timeout)

    def _read(self, response: requests.Response, host: str, deadline: Deadline) -> bytes:
        _check_answer(response, host)
        limit, body = self._settings.max_upload_bytes, bytearray()
        raw: HTTPResponse = response.raw
        _check_size(raw.length_remaining or 0, limit)
        while chunk := raw.read1(READ_CHUNK_BYTES, decode_content=False):
            body += chunk
            _check_size(len(body), limit)
        deadline.check(host)  # a connection that was cut may look like one that has ended
        return bytes(body)


def _session(settings: Settings, ca_bundle: str | None) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy, no .netrc and no certificates from the environment
    session.headers.clear()
    session.headers.update(HEADERS)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    session.verify = ca_bundle or True
    for scheme in ("http", "https"):
        session.mount(f"{scheme}://", _GuardedAdapter(scheme, settings))
    return session


def _check_answer(response: requests.Response, host: str) -> None:
    status = response.status_code
    if status in GONE:
        raise SourceNotFound(f"{host} answers {status}: there is no such file")
    if status in TRY_LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise SourceUnavailable(f"{host} answers {status}")
    if status != HTTPStatus.OK:
        raise SourceRejected(f"{host} answers {status}")
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":  # not unpacked: a small answer could become a large one
        raise SourceRejected(
            f"{host} sends the file compressed ('{encoding[:20]}') though it was asked not to"
        )


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise SourceTooLarge(f"The file behind the URL has more bytes than {limit:,} (max_upload_bytes)")


@contextmanager
def _translated_errors(host: str) -> Iterator[None]:
    """`host` is what the client named; more about how the network looks from here is not for it to know."""
    try:
        yield
    except (InvalidIPAddress, UrlNotAllowed):
        raise SourceForbidden(f"{host} leads to an address that is not public") from None
    except ValueError as error:  # InvalidURL, LocationParseError and UnicodeError are among them
        raise SourceRejected(f"{host}: its name, or where it redirects to, is malformed") from error
    except requests.exceptions.SSLError as error:
        raise SourceUnavailable(
            f"{host} cannot be reached securely: its certificate is not accepted"
        ) from error
    except (requests.RequestException, HTTPError, OSError) as error:
        raise SourceUnavailable(f"{host} cannot be reached, or broke off its answer") from error


class _GuardedAdapter(IPFilterAdapter):  # type: ignore[misc]  # requests-hardened ships no types
    """Connects to hosts that the operator allows, and to checked addresses of all others."""

    def __init__(self, scheme: str, settings: Settings) -> None:
        super().__init__(is_https_proto=scheme == "https")
        self._settings = settings
        self.poolmanager.pool_classes_by_scheme = {"http": WatchedHttpPool, "https": WatchedHttpsPool}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """The address to connect to, and the name to hold its certificate against.

        Raises:
            UrlNotAllowed, InvalidIPAddress: there is none that may be connected to.
        """
        endpoint = check_url(request.url or "", self._settings)  # again, as requests has understood the URL
        if is_allowed_host(endpoint.host, endpoint.port, self._settings):
            return HTTPAdapter.build_connection_pool_key_attributes(self, request, verify, cert)
        where, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        if not is_public(ip_address(where["host"].strip("[]"))):
            raise InvalidIPAddress(where["host"])
        return where, tls
