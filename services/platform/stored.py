"""Reading what any version of the hub stored: a newer one may have stored more."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

ModelT = TypeVar("ModelT", bound=BaseModel)


def parse_stored(
    model: type[ModelT], content: object, *, context: Mapping[str, Any] | None = None
) -> ModelT:
    """Return stored content as a model, without fields that this version does not know.

    While a hub is upgraded, processes of two versions work on one database. Raise
    `ValidationError` if the content does not fit otherwise, such as a kind that only a newer
    version knows.
    """
    return model.model_validate(content, context=context, extra="ignore")
