"""HTTP exchanges with servers that clients name, without access to this network.

requests-hardened resolves a host once, checks the address and connects to exactly that address, so a name
server gains nothing by changing its answer. This module refuses further addresses, allows the operator's
hosts, and sets a deadline for the whole exchange. It follows no redirects; callers check each hop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from shared.errors import StyleQueueError
from shared.policy.urls import Endpoint, UrlRule, check_url, is_allowed_host, is_public
from shared.request_errors import UrlNotAllowed
from worker.sources.deadline import Deadline, WatchedHttpPool, WatchedHttpsPool


class Failures(NamedTuple):
    """The errors of an exchange that fails."""

    forbidden: type[StyleQueueError]  # a scheme, a port or an address that is not allowed
    malformed: type[StyleQueueError]  # a malformed host name or response
    unavailable: type[StyleQueueError]  # no connection, a broken one, or no response in time


class GuardedSession:
    """Keeps its connections; any thread may use it."""

    def __init__(
        self, rule: UrlRule, headers: Mapping[str, str], failures: Failures, ca_bundle: str | None = None
    ) -> None:
        """Only `headers` are sent; `ca_bundle` replaces certifi's certificate authorities."""
        self._rule = rule
        self._failures = failures
        self._session = session = requests.Session()
        session.trust_env = False  # no proxy, no .netrc and no certificates from the environment
        session.headers.clear()
        session.headers.update(headers)
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        session.verify = ca_bundle or True
        for scheme in ("http", "https"):
            session.mount(f"{scheme}://", _GuardedAdapter(scheme, rule))

    def check(self, url: str) -> Endpoint:
        """Return the endpoint of `url`; raise `failures.forbidden`."""
        try:
            return check_url(url, self._rule)
        except UrlNotAllowed as error:
            raise self._failures.forbidden(error.detail) from None

    @contextmanager
    def exchange(self, host: str, seconds: float, setting: str) -> Iterator[Deadline]:
        """Limit the requests and responses in the block to `seconds`, the value of `setting`.

        The resolver's own time-outs add to it.

        Raises:
            One of `failures`, for any error inside. It names only the client's `host`, because clients shall
            not learn how the network looks from here.
        """
        late = self._failures.unavailable(f"{host} took longer than {seconds:g} s ({setting})")
        with Deadline(seconds, late) as deadline, self._translated_errors(host):
            try:
                yield deadline
            except (requests.RequestException, HTTPError, OSError):
                deadline.check()
                raise

    def request(self, method: str, url: str, deadline: Deadline, **options: Any) -> requests.Response:
        """Send a request. Read the body from `raw`, in a `with` block, which releases the connection."""
        # Any: requests accepts it, but its types do not.
        timeout: Any = Timeout(total=deadline.remaining_seconds())
        return self._session.request(
            method, url, allow_redirects=False, stream=True, timeout=timeout, **options
        )

    def redirect_target(self, response: requests.Response) -> str | None:
        return self._session.get_redirect_target(response)

    def close(self) -> None:
        self._session.close()

    @contextmanager
    def _translated_errors(self, host: str) -> Iterator[None]:
        failures = self._failures
        try:
            yield
        except (InvalidIPAddress, UrlNotAllowed):
            raise failures.forbidden(f"{host} leads to an address that is not public") from None
        except ValueError as error:  # InvalidURL, LocationParseError and UnicodeError are among them
            raise failures.malformed(f"{host}: its name, or where it redirects to, is malformed") from error
        except requests.exceptions.SSLError as error:
            raise failures.unavailable(
                f"{host} cannot be reached securely: its certificate is not accepted"
            ) from error
        except (requests.RequestException, HTTPError, OSError) as error:
            raise failures.unavailable(f"{host} cannot be reached, or broke off its answer") from error


class _GuardedAdapter(IPFilterAdapter):  # type: ignore[misc]  # requests-hardened ships no types
    """Connects to hosts that the operator allows, and to checked addresses of other hosts."""

    def __init__(self, scheme: str, rule: UrlRule) -> None:
        super().__init__(is_https_proto=scheme == "https")
        self._rule = rule
        self.poolmanager.pool_classes_by_scheme = {"http": WatchedHttpPool, "https": WatchedHttpsPool}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Return the address to connect to, and the name for which its certificate is checked.

        Raises:
            UrlNotAllowed, InvalidIPAddress: connecting is not allowed.
        """
        endpoint = check_url(
            request.url or "", self._rule
        )  # again, because requests may parse the URL differently
        if is_allowed_host(endpoint.host, endpoint.port, self._rule):
            return HTTPAdapter.build_connection_pool_key_attributes(self, request, verify, cert)
        where, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        if not is_public(ip_address(where["host"].strip("[]"))):
            raise InvalidIPAddress(where["host"])
        return where, tls
