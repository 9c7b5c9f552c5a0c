"""Of a body with very many errors the first are reported, as they would be of few."""

from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import Field, TypeAdapter, ValidationError, field_validator
from starlette.testclient import TestClient

from services.platform.api_model import ApiModel
from services.platform.body_errors import FirstErrorsAdapter
from services.platform.problems import MAX_ERRORS, add_problem_handlers
from services.platform.router import Router
from services.platform.service import add_routers


class Item(ApiModel):
    name: str = Field(max_length=5)
    count: int
    word: str = "{a}"

    @field_validator("word")
    @classmethod
    def is_braced(cls, value: str) -> str:
        if not value.startswith("{"):
            raise ValueError(f"write {{a}}, not {value!r}")
        return value


class Items(ApiModel):
    items: list[Item]
    by_name: dict[str, int] = Field(default_factory=dict)


MANY: dict[str, dict[str, Any]] = {
    "unknown members": {f"member {n}": 0 for n in range(300)},
    "missing members": {"items": [{}] * 300},
    "wrong types": {"items": [{"name": 1, "count": "x"}] * 300},
    "values out of range": {"items": [{"name": "too long", "count": 1}] * 300},
    "values that a validator refuses": {"items": [{"name": "a", "count": 1, "word": "b"}] * 300},
    "errors of the last items only": {"items": [{"name": "a", "count": 1}] * 150 + [{}] * 150},
    "errors of items and behind them": {
        "items": [{"name": "a", "count": 1}] * 90 + [{}] * 30,
        "more": {},
        "by_name": {f"{n}": None for n in range(90)},
    },
    "errors before the items": {f"member {n}": 0 for n in range(99)} | {"items": [{}] * 300},
    "members of members": {"items": [], "by_name": {f'"{n}/~é😀': None for n in range(300)}},
    "names that are no text": {"items": [], "by_name": {f"\ud800{n}": None for n in range(300)}},
}


def errors_of(adapter: Any, value: object) -> list[dict[str, Any]]:
    with pytest.raises(ValidationError) as raised:
        adapter.validate_python(value)
    return [
        {name: error[name] for name in ("type", "loc", "msg")} for error in raised.value.errors()
    ]


@pytest.mark.parametrize("case", MANY)
def test_the_first_errors_are_those_of_the_whole_list(case: str) -> None:
    adapter = TypeAdapter(Items)
    expected = errors_of(adapter, MANY[case])
    assert len(expected) > MAX_ERRORS
    assert errors_of(FirstErrorsAdapter(adapter), MANY[case]) == expected[:MAX_ERRORS]


def test_a_request_reports_the_first_errors_and_where_they_are() -> None:
    router = Router()

    @router.post("/items")
    async def post_items(items: Items) -> int:
        return len(items.items)

    app = FastAPI()
    add_problem_handlers(app)
    add_routers(app, [router])
    client = TestClient(app)
    assert client.post("/items", json={"items": [{"name": "a", "count": 1}]}).json() == 1
    few = client.post("/items", json={"items": [{"name": 1}]}).json()["errors"]
    many = client.post("/items", json={"items": [{"name": 1}] * 5000})
    assert many.status_code == 422
    errors = many.json()["errors"]
    assert (len(errors), errors[: len(few)]) == (MAX_ERRORS, few)
    assert errors[-1]["pointer"] == f"#/items/{MAX_ERRORS // 2 - 1}/count"
