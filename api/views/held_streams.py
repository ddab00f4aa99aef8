"""Responses that are sent piece by piece over a longer time; a process sends a bounded number of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from flask import Response, stream_with_context

from api.access.auth import current_owner
from api.services import services
from shared.request_errors import TooManyStreams


def held_stream(pieces: Iterator[str] | Iterator[bytes], media_type: str) -> Response:
    """Return a response of these pieces, which holds a place of this process until it is closed.

    Raises:
        TooManyStreams: the process holds its most requests, or its most of this owner.
    """
    places, owner = services().held_places, current_owner()
    if not places.take(owner):
        raise TooManyStreams("The service has no room for another open request now; try again later")
    response = Response(stream_with_context(pieces), mimetype=media_type)
    response.call_on_close(partial(places.give_back, owner))
    return response
