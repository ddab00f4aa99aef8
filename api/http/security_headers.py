"""Security headers of every response: no type sniffing, no foreign scripts, no sharing with other sites."""

from __future__ import annotations

import base64
import hashlib
import re

from flask import Flask, Response

from api.http.request_in_hand import current_request

NOTHING = "default-src 'none'; frame-ancestors 'none'"
PAGE = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; connect-src 'self'; "
    "img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'"
)  # Swagger sets styles on its elements
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
POLICY = "Content-Security-Policy"
INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def register_security_headers(app: Flask) -> None:
    app.after_request(_harden)


def _harden(response: Response) -> Response:
    """Add the headers. No response has a CORS header, so no other site's page can read one."""
    path = current_request().path
    page = path.startswith("/docs") and response.mimetype == "text/html"
    response.headers.extend(HEADERS)
    response.headers.setdefault(POLICY, _policy_of(response) if page else NOTHING)  # api/pages has its own
    if path.startswith("/v1/"):
        response.headers.setdefault("Cache-Control", "private, no-store")
    return response


def _policy_of(page: Response) -> str:
    """Return a policy that allows the page's own inline scripts, each by its digest, and no others."""
    digests = (hashlib.sha256(script).digest() for script in INLINE_SCRIPT.findall(page.get_data()))
    return " ".join([PAGE, *(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)])
