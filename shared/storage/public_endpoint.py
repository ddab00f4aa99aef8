"""Where clients reach S3: by another host than the service, and perhaps below a path."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class PublicEndpoint:
    """S3 checks a signature over the path that it receives, and a proxy may take a part of the path away.

    So a URL is signed for the clients' host with the path that the service itself sends, and shown with the
    path that clients send. The proxy must pass their Host header on.
    """

    signed_url: str
    signed_path: str
    shown_path: str

    @classmethod
    def between(cls, endpoint_url: str | None, public_url: str) -> PublicEndpoint:
        inside, outside = urlsplit(endpoint_url or ""), urlsplit(public_url)
        signed_path = inside.path.rstrip("/")
        signed_url = outside._replace(path=signed_path).geturl()
        return cls(signed_url, signed_path, outside.path.rstrip("/"))

    def shown(self, signed_url: str) -> str:
        url = urlsplit(signed_url)
        return url._replace(path=self.shown_path + url.path.removeprefix(self.signed_path)).geturl()
