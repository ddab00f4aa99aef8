"""What words on the command line mean: pictures, folders, and the service's address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from client.api_client import StyleQueue
from client.errors import ServiceUnavailable

DEFAULT_API = "http://127.0.0.1:8080"
URL_SCHEMES = ("https://", "http://", "s3://")


def pictures(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[Path | str, ...]:
    """URLs stay text; everything else must be a file that exists."""
    return tuple(value if value.startswith(URL_SCHEMES) else _file(value) for value in values)


def address(_: click.Context, __: click.Parameter, url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter(f"{url} does not start with http:// or https://")
    return url


into_folder = click.option(
    "--out",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the pictures; made if it is not there.",
)


@contextmanager
def service_at(url: str) -> Iterator[StyleQueue]:
    """The service, if anything answers there; a first look saves the user the wait for all the retries."""
    with StyleQueue(url) as queue:
        if not queue.alive():
            raise ServiceUnavailable(
                f"No service answers at {url}. Is it running? Start one with: stylequeue up"
            )
        yield queue


def _file(value: str) -> Path:
    path = Path(value)
    if path.is_dir():
        raise click.BadParameter(f"{value} is a folder; name its files, as in {path / '*.jpg'}")
    if not path.is_file():
        raise click.BadParameter(f"there is no file {value}")
    return path
