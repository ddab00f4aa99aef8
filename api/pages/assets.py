"""The files of the pages: styles, scripts and sample pictures. Their URLs change with their content."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from mimetypes import guess_type
from pathlib import PurePosixPath

from flask import Response, request
from werkzeug.exceptions import NotFound

import samples

FOR_EVER = "public, max-age=31536000, immutable"
DIGEST_CHARACTERS = 16
TEXT = (".css", ".js", ".svg")


@dataclass(frozen=True)
class Asset:
    body: bytes
    media_type: str
    compressed: bytes | None  # for text

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True)
class Sample:
    name: str
    path: str
    digest: str  # of the file, which is also its upload id


class Assets:
    """All files, in memory. The digest of all is in every URL, so scripts import each other by name."""

    def __init__(self) -> None:
        self._files = {name: _asset(name, body) for name, body in sorted(_read())}
        whole = hashlib.sha256()
        for name, asset in self._files.items():
            whole.update(name.encode() + b"\0" + asset.body)
        self.digest = whole.hexdigest()[:DIGEST_CHARACTERS]

    def path(self, name: str) -> str:
        """Return where a file is, relative to the service's root."""
        if name not in self._files:
            raise KeyError(name)
        return f"assets/{self.digest}/{name}"

    def samples(self, kind: str) -> list[Sample]:
        """Return the sample pictures of a kind, `content` or `style`."""
        found = [name for name in self._files if name.startswith(f"samples/{kind}/")]
        return [Sample(PurePosixPath(name).stem, self.path(name), self._files[name].digest) for name in found]

    def response(self, digest: str, name: str) -> Response:
        """Return a file. Browsers keep it for ever, unless the page that wants it is of another version."""
        asset = self._files.get(name)
        if asset is None:
            raise NotFound
        compressed = asset.compressed is not None and request.accept_encodings["gzip"] > 0
        body = asset.compressed if asset.compressed is not None and compressed else asset.body
        response = Response(body, mimetype=asset.media_type)
        if compressed:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = FOR_EVER if digest == self.digest else "no-store"
        return response


def _read() -> Iterator[tuple[str, bytes]]:
    yield from _below(files(__package__).joinpath("static"))
    for kind, paths in (("content", samples.content_paths()), ("style", samples.style_paths())):
        for path in paths:
            yield f"samples/{kind}/{path.name}", path.read_bytes()


def _below(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_file():
            yield prefix + entry.name, entry.read_bytes()
        else:
            yield from _below(entry, f"{prefix}{entry.name}/")


def _asset(name: str, body: bytes) -> Asset:
    media_type = guess_type(name)[0] or "application/octet-stream"
    is_text = name.endswith(TEXT)
    return Asset(body, media_type, gzip.compress(body, mtime=0) if is_text else None)
