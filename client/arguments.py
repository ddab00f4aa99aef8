"""What several commands ask for: the service's address, and a folder for pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from client.api_client import StyleQueue
from client.errors import ServiceUnavailable, reason_of

DEFAULT_API = "http://127.0.0.1:8080"


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


def made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(
            f"the folder cannot be made: {reason_of(error)}", param_hint="--out"
        ) from None
    return folder


@contextmanager
def service_at(url: str) -> Iterator[StyleQueue]:
    """The service, if anything answers there; a first look saves the user the wait for all the retries."""
    with StyleQueue(url) as queue:
        if not queue.alive():
            raise ServiceUnavailable(
                f"No service answers at {url}. Is it running? Start one with: stylequeue up"
            )
        yield queue
