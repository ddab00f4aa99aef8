"""Options of several commands: the service's address and key, and a folder for pictures."""

from __future__ import annotations

import shlex
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
from shared.wire.base import MAX_URL
from shared.wire.batch_descriptors import BatchWebhook

DEFAULT_API = "http://127.0.0.1:8080"
API_KEY = "stylequeue.api_key"  # the key's name in Click's context


def usual_address() -> str:
    """Return the default address: the local stack of this folder, else the usual port."""
    stack = running_stack()
    return stack.api_url if stack else DEFAULT_API


def address(_: click.Context, __: click.Parameter, url: str) -> str:
    try:
        service_url(url)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return url


def receiver(_: click.Context, __: click.Parameter, url: str | None) -> str | None:
    """Return the URL of a webhook. Raise BadParameter if no webhook can be sent there."""
    try:
        return BatchWebhook(url=url).url if url is not None else None
    except ValidationError:
        raise click.BadParameter(
            f"{shown_url(url or '')} is not an https:// URL of up to {MAX_URL:,} characters"
        ) from None


def keep_key(ctx: click.Context, _: click.Parameter, key: str | None) -> None:
    """Keep the key for `service_at`, so that it is in no manifest and no message."""
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise click.BadParameter("an API key has only ASCII characters and no spaces")
    ctx.meta[API_KEY] = key or None


into_folder = option(
    "--out",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the pictures; it is made if missing.",
)


def command_for(api: str) -> str:
    """Return the beginning of a command for the service at this URL."""
    return "stylequeue" if api == DEFAULT_API else f"stylequeue --api {shlex.quote(api)}"


@contextmanager
def service_at(
    url: str, *, timeout_seconds: float = 30, retries: Retries = DEFAULT_RETRIES
) -> Iterator[StyleQueue]:
    """Yield the service after it has responded once. If nothing listens there, fail without retries.

    Raises:
        StyleQueueClientError: it does not respond; the text says why.
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
