"""The first errors of a request body, without a list of all.

FastAPI lists every error of a body, on the event loop, before a handler can drop most of them: of
30,000 errors that took longer than parsing and validating the body.
"""

import json
from collections.abc import Iterator
from typing import Any, cast

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from services.platform.problems import MAX_ERRORS, TooLarge

MAX_MEMBERS = 1_000
"""Members of the object that is the body: no model has so many fields."""

_decoder = json.JSONDecoder()


class FirstErrorsAdapter:
    """A type adapter whose validation reports no more than the first errors."""

    def __init__(self, adapter: TypeAdapter[Any]) -> None:
        self._adapter = adapter

    def validate_python(self, value: object, **options: Any) -> Any:
        """Validate a value; raise `ValidationError` with the first `MAX_ERRORS` errors.

        Raises `TooLarge` for an object with more than `MAX_MEMBERS` members.
        """
        if isinstance(value, dict) and len(cast("dict[str, object]", value)) > MAX_MEMBERS:
            raise TooLarge(f"The object that is the body may have at most {MAX_MEMBERS} members.")
        try:
            return self._adapter.validate_python(value, **options)
        except ValidationError as error:
            if error.error_count() <= MAX_ERRORS:
                raise
            raise (self._errors_of_beginning(value, options) or first_errors(error)) from None

    def _errors_of_beginning(
        self, value: object, options: dict[str, Any]
    ) -> ValidationError | None:
        """Return the first errors of a batch if all are in the first items of its list.

        These are validated again, which takes less time than writing the errors of all items.
        """
        batch = cast("dict[str, object]", value) if isinstance(value, dict) else {}
        lists = [
            (name, cast("list[object]", items))
            for name, items in batch.items()
            if isinstance(items, list)
        ]
        if len(lists) != 1:
            return None
        name, items = lists[0]
        try:
            self._adapter.validate_python({**batch, name: items[:MAX_ERRORS]}, **options)
        except ValidationError as error:
            if error.error_count() >= MAX_ERRORS:
                found = first_errors(error)
                # Errors of members that come after the list may stand for those of later items.
                if found.errors(include_url=False)[-1]["loc"][0] == name:
                    return found
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)


def first_errors(error: ValidationError) -> ValidationError:
    """Return an error with the first `MAX_ERRORS` of all errors, without their inputs.

    pydantic writes all of them as JSON in a fraction of the time that it takes to list them.
    """
    text = error.json(include_url=False, include_input=False)
    return ValidationError.from_exception_data(
        error.title,
        [
            InitErrorDetails(
                type=PydanticCustomError(item["type"], item["msg"], item.get("ctx")),
                loc=tuple(item["loc"]),
                input=None,
            )
            for item in _first_items(text, MAX_ERRORS)
        ],
    )


def _first_items(text: str, limit: int) -> Iterator[dict[str, Any]]:
    """Parse the first items of a JSON array."""
    position = 1
    for _ in range(limit):
        item, position = _decoder.raw_decode(text, position)
        yield item
        if text[position] != ",":
            return
        position += 1


def limit_body_errors(route: APIRoute) -> None:
    """Let a route report no more than the first errors of a body."""
    _limit_errors(route.dependant)


def _limit_errors(dependant: Dependant) -> None:
    for field in dependant.body_params:
        adapter = field._type_adapter  # pyright: ignore[reportPrivateUsage]
        field._type_adapter = FirstErrorsAdapter(adapter)  # type: ignore[assignment]  # pyright: ignore
    for inner in dependant.dependencies:
        _limit_errors(inner)
