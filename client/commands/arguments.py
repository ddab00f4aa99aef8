"""What several commands ask for: the service's address, and a folder for pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from pydantic import ValidationError

from client.api_client import StyleQueue
from client.errors import NobodyAnswers, ServiceUnavailable
from client.http.retries import DEFAULT_RETRIES, Retries
from client.http.service_url import service_url
from shared.command_line.options import option
from shared.command_line.running_stack import running_stack
from shared.redaction import shown_url
from shared.wire.batch_descriptors import BatchWebhook
from shared.wire.descriptors import MAX_URL

DEFAULT_API = "http://127.0.0.1:8080"
API_KEY = "stylequeue.api_key"  # in the meta of the command's context


def usual_address() -> str:
    """Return where the service is if nobody says so: the local stack of this folder, else the usual port."""
    stack = running_stack()
    return stack.api_url if stack else DEFAULT_API


def address(_: click.Context, __: click.Parameter, url: str) -> str:
    """
    Raises:
        BadParameter: it is no URL of a service.
    """
    try:
        service_url(url)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return url


def receiver(_: click.Context, __: click.Parameter, url: str | None) -> str | None:
    """
    Raises:
        BadParameter: no webhook can be sent there.
    """
    try:
        return BatchWebhook(url=url).url if url is not None else None
    except ValidationError:
        raise click.BadParameter(
            f"{shown_url(url or '')} is no https:// URL of up to {MAX_URL:,} characters"
        ) from None


def keep_key(ctx: click.Context, _: click.Parameter, key: str | None) -> None:
    """For `service_at`; it goes into no manifest and no message."""
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise click.BadParameter("an API key has no spaces and only ASCII characters")
    ctx.meta[API_KEY] = key or None


into_folder = option(
    "--out",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the pictures; made if it is not there.",
)


def command_for(api: str) -> str:
    """Return how to write a command for the service at this URL."""
    return "stylequeue" if api == DEFAULT_API else f"stylequeue --api {api}"


@contextmanager
def service_at(
    url: str, *, timeout_seconds: float = 30, retries: Retries = DEFAULT_RETRIES
) -> Iterator[StyleQueue]:
    """The service, which has answered already; nobody waits for all retries where nothing listens.

    Raises:
        StyleQueueClientError: it does not answer; the text says why.
    """
    key = click.get_current_context().meta.get(API_KEY)
    with StyleQueue(url, api_key=key, timeout_seconds=timeout_seconds, retries=retries) as queue:
        try:
            queue.greet()
        except NobodyAnswers as failure:
            if not failure.refused:
                raise
            hint = "Is it running? Start one with: stylequeue up"
            raise ServiceUnavailable(f"No service answers at {url}. {hint}") from failure
        yield queue
