"""The cookie of a browser's session, and which pages may use it."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response

from api.http.hosts import requested_host
from api.http.request_in_hand import current_request
from shared.request_errors import Forbidden
from shared.store.sessions import SESSION_SECONDS

COOKIE = "stylequeue_session"
FOREIGN = "Another site's page sent this request; a session changes things only from the service's own pages"


def sent_session() -> str | None:
    """Return the session in the request's cookie; None without one."""
    current = current_request()
    return current.cookies.get(COOKIE) if "HTTP_COOKIE" in current.environ else None


def give_session(response: Response, text: str, public_url: str | None) -> None:
    """Set the cookie. No script can read it, and no page of another site makes the browser send it."""
    path, secure = _path_and_tls(public_url)
    response.set_cookie(
        COOKIE, text, max_age=SESSION_SECONDS, path=path, secure=secure, httponly=True, samesite="Strict"
    )


def take_session(response: Response, public_url: str | None) -> None:
    path, secure = _path_and_tls(public_url)
    response.delete_cookie(COOKIE, path=path, secure=secure, httponly=True, samesite="Strict")


def check_own_page(public_url: str | None) -> None:
    """Check that a page of this service sent the request, by what the browser says of it.

    SameSite keeps other sites out, but a site has many origins: all ports of this host, and its subdomains.

    Raises:
        Forbidden: a page of another origin sent it, or the request does not say which.
    """
    if not _says_where_from() or is_foreign_page(public_url):
        raise Forbidden(FOREIGN)


def is_foreign_page(public_url: str | None) -> bool:
    """Return whether a page of another origin sent the request.

    Browsers send Sec-Fetch-Site with TLS and on loopback, and Origin with every request but GET. The scheme
    is left out of the comparison, because a proxy may end TLS.
    """
    sent = current_request().environ
    site, origin = sent.get("HTTP_SEC_FETCH_SITE"), sent.get("HTTP_ORIGIN")
    if site is not None:
        return bool(site != "same-origin")
    own = [requested_host(), *([urlsplit(public_url).netloc] if public_url else [])]
    return origin is not None and urlsplit(origin).netloc not in own  # "null" has no host


def _says_where_from() -> bool:
    sent = current_request().environ
    return "HTTP_SEC_FETCH_SITE" in sent or "HTTP_ORIGIN" in sent


def _path_and_tls(public_url: str | None) -> tuple[str, bool]:
    """Return the path below which the service lies, and whether browsers reach it by TLS."""
    outside = urlsplit(public_url or "")
    return outside.path.rstrip("/") or "/", "https" in (outside.scheme, current_request().scheme)
