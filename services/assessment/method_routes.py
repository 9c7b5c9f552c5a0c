"""Methods over HTTP: `/api/v1/methods`, the definitions behind every figure."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from services.assessment.methods.definition import (
    CollaborationMethod,
    LevelsMethod,
    SatisfactionMethod,
)
from services.assessment.methods.library import AnyMethod, read_methods
from services.assessment.methods.schema import method_schema
from services.platform.api_model import ApiModel
from services.platform.paging import Page
from services.platform.parameters import SlugPath
from services.platform.problems import NotFound, problem_responses
from services.platform.service import API
from services.platform.types import Href, Sha256, ShortText, Slug

router = APIRouter(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))


class MethodItem(ApiModel):
    """A method as a list item."""

    id: Slug
    version: int
    kind: str
    name: ShortText
    name_en: ShortText
    provisional: bool
    valid_from: date | None = Field(description="First day; null if unlimited.")
    valid_to: date | None = Field(description="Last day; null if no end is known.")
    hash: Sha256 = Field(description="SHA-256 of the definition.")
    href: Href


class MethodDetail(ApiModel):
    """A method in full."""

    hash: Sha256
    href: Href
    definition: Annotated[
        CollaborationMethod | LevelsMethod | SatisfactionMethod, Field(discriminator="kind")
    ]


@router.get("/methods", operation_id="list_methods")
async def list_methods() -> Page[MethodItem]:
    """List the methods of this hub, each with the hash that its figures carry."""
    return Page(items=[_item(method) for method in read_methods().values()], next=None)


@router.get("/methods/schema.json", operation_id="get_method_schema")
async def get_method_schema() -> dict[str, Any]:
    """Return the JSON Schema of methods, for validation in editors."""
    return method_schema()


@router.get("/methods/{id}", operation_id="get_method", responses=problem_responses(404))
async def get_method(id: SlugPath) -> MethodDetail:
    """Return a method: its indicators, their measures and goalposts."""
    method = read_methods().get(id)
    if method is None:
        raise NotFound(f"There is no method {id!r}; {API}/methods lists all of them.")
    return MethodDetail(hash=method.hash(), href=f"{API}/methods/{method.id}", definition=method)


def _item(method: AnyMethod) -> MethodItem:
    return MethodItem(
        id=method.id,
        version=method.version,
        kind=method.kind,
        name=method.name,
        name_en=method.name_en,
        provisional=method.provisional,
        valid_from=method.valid_from,
        valid_to=method.valid_to,
        hash=method.hash(),
        href=f"{API}/methods/{method.id}",
    )
