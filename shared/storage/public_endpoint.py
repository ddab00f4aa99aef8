"""The address at which clients reach S3: another host than the service's, perhaps below a path."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class PublicEndpoint:
    """An S3 address for clients.

    S3 checks the signature over the path that it receives, and a proxy may have removed a part of the path.
    So a URL is signed with the clients' host and the service's path, and given out with the clients' path.
    The proxy must forward the Host header.
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
