"""Blueprints and an application that spare requests what they do not need."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask_openapi3 import APIBlueprint, OpenAPI
from pydantic import BaseModel, ValidationError

from api.http.request_in_hand import current_request

View = Callable[..., Any]


class Application(OpenAPI):
    """Flask with OpenAPI, whose views and hooks are all plain functions."""

    def ensure_sync(self, func: View) -> View:
        """Return the function. Flask would ask of each hook, at each request, whether it is a coroutine."""
        return func


class Routes(APIBlueprint):
    """A blueprint whose views get the defaults of their query without validation if a request has none.

    The functions of generated clients have the names of the views.
    """

    def __init__(self, name: str, import_name: str, **options: Any) -> None:
        super().__init__(name, import_name, operation_id_callback=_name_of_view, **options)

    @staticmethod
    def create_view_func(  # the extension's own parameters
        func: View,
        header: Any,
        cookie: Any,
        path: type[BaseModel] | None,
        query: type[BaseModel] | None,
        form: Any,
        body: Any,
        raw: Any,
        *more: Any,
        **options: Any,
    ) -> View:
        """Return the view that Flask calls."""
        view: View = APIBlueprint.create_view_func(
            func, header, cookie, path, query, form, body, raw, *more, **options
        )
        defaults = _defaults_of(query)
        if defaults is None or header or cookie or form or body or raw:
            return view

        @wraps(func)
        def quick_view(**members: Any) -> Any:
            if current_request().environ["QUERY_STRING"]:
                return view(**members)
            try:
                arguments = {"path": path.model_validate(members)} if path else {}
            except ValidationError:
                return view(**members)  # which responds with the error
            return func(**arguments, query=defaults)

        return quick_view


def _name_of_view(*, name: str, **_: str) -> str:
    return name


def _defaults_of(query: type[BaseModel] | None) -> BaseModel | None:
    """Return an empty query; None if a parameter is required or the route has no query."""
    try:
        return query() if query else None
    except ValidationError:
        return None
