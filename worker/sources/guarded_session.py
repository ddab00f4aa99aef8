"""HTTP with servers that strangers name, without letting them reach into this network.

requests-hardened resolves a host once, checks the address and connects to that very address, so a name server
that changes its answer gains nothing. This adds the addresses that it leaves open, allowed hosts, and a
deadline for the whole exchange. Redirects are not followed: who wants to checks each hop like a first URL.
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

from shared.errors import StyleQueueError, UrlNotAllowed
from shared.policy.urls import Endpoint, UrlRule, check_url, is_allowed_host, is_public
from worker.sources.deadline import Deadline, WatchedHttpPool, WatchedHttpsPool


class Failures(NamedTuple):
    """What an exchange that fails raises."""

    forbidden: type[StyleQueueError]  # a scheme, a port or an address that is not allowed
    malformed: type[StyleQueueError]  # a name, or an answer, that cannot be understood
    unavailable: type[StyleQueueError]  # no connection, a broken one, or no answer in time


class GuardedSession:
    """Keeps its connections; any thread may use it."""

    def __init__(
        self, rule: UrlRule, headers: Mapping[str, str], failures: Failures, ca_bundle: str | None = None
    ) -> None:
        """`headers` are all that is sent; `ca_bundle`: authorities to trust in place of certifi's."""
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
        """Where `url` leads; raises `failures.forbidden`."""
        try:
            return check_url(url, self._rule)
        except UrlNotAllowed as error:
            raise self._failures.forbidden(error.detail) from None

    @contextmanager
    def exchange(self, host: str, seconds: float, setting: str) -> Iterator[Deadline]:
        """For requests and answers within `seconds`, as `setting` says; the resolver's time-outs add to it.

        Raises:
            one of `failures`, for whatever goes wrong inside; it names `host`, as the client did. More about
            how the network looks from here is not for the client to know.
        """
        late = self._failures.unavailable(f"{host} took longer than {seconds:g} s ({setting})")
        with Deadline(seconds, late) as deadline, self._translated_errors(host):
            try:
                yield deadline
            except (requests.RequestException, HTTPError, OSError):
                deadline.check()
                raise

    def request(self, method: str, url: str, deadline: Deadline, **options: Any) -> requests.Response:
        """Its body is read from `raw`; leave it by `with`, which gives the connection back or closes it."""
        # Any: requests takes it, but its types do not say so.
        timeout: Any = Timeout(total=deadline.remaining_seconds())
        return self._session.request(
            method, url, allow_redirects=False, stream=True, timeout=timeout, **options
        )

    def redirect_target(self, response: requests.Response) -> str | None:
        return self._session.get_redirect_target(response)

    def close(self) -> None:
        """Closes the connections that are kept."""
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
    """Connects to hosts that the operator allows, and to checked addresses of all others."""

    def __init__(self, scheme: str, rule: UrlRule) -> None:
        super().__init__(is_https_proto=scheme == "https")
        self._rule = rule
        self.poolmanager.pool_classes_by_scheme = {"http": WatchedHttpPool, "https": WatchedHttpsPool}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """The address to connect to, and the name to hold its certificate against.

        Raises:
            UrlNotAllowed, InvalidIPAddress: there is none that may be connected to.
        """
        endpoint = check_url(request.url or "", self._rule)  # again, as requests has understood the URL
        if is_allowed_host(endpoint.host, endpoint.port, self._rule):
            return HTTPAdapter.build_connection_pool_key_attributes(self, request, verify, cert)
        where, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        if not is_public(ip_address(where["host"].strip("[]"))):
            raise InvalidIPAddress(where["host"])
        return where, tls
