"""Every error is a problem document (RFC 9457) that names what is wrong."""

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Query
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from services.platform.error_location import field_location
from services.platform.problems import PROBLEM_CLASSES, Conflict, FieldError, json_pointer
from services.platform.router import Router
from services.platform.service import create_service_app
from services.platform.settings import Service, Settings
from tests.conftest import Room, Server, room


@asynccontextmanager
async def no_lifespan(app: FastAPI) -> AsyncGenerator[None]:
    yield


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: int = Field(ge=0)
    either: int | list[int] = 0


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    items: list[Item]
    by_name: dict[str, Item] = {}


def make_app(settings: Settings) -> FastAPI:
    """Provide a service of four routes."""
    router = Router(prefix="/api/v1")

    @router.get("/things")
    async def read(limit: Annotated[int, Query(ge=1)] = 1) -> int:
        return limit

    @router.post("/things")
    async def write(body: Body) -> int:
        return len(body.items)

    @router.put("/things/{number}")
    async def put(number: int) -> int:
        raise Conflict(
            "Not now.",
            errors=[FieldError(pointer="#/x", parameter=None, detail="is taken")],
            headers={"Retry-After": "3"},
            extra={"wait_seconds": 3},
        )

    @router.delete("/things/{number}")
    async def crash(number: int) -> int:
        raise RuntimeError(f"secret detail {number}")

    return create_service_app(
        Service.catalog, settings, title="things", routers=[router], lifespan=no_lifespan
    )


@pytest.fixture
def things(server: Server) -> Iterator[Room]:
    settings = server.settings("postgres", max_body_bytes=2000)
    with room(make_app, settings) as started:
        yield started


def errors_of(answer: httpx.Response) -> list[tuple[str | None, str]]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["status"] == answer.status_code
    return [
        (error.get("pointer") or error.get("parameter"), error["detail"])
        for error in body["errors"]
    ]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["#/items"]),
        ([], ["#"]),
        ({"items": [{"number": 1}, {"number": -1}]}, ["#/items/1/number"]),
        ({"items": [{}]}, ["#/items/0/number"]),
        ({"items": [{"number": 1, "more": 1}]}, ["#/items/0/more"]),
        ({"items": [], "by_name": {"a/b~c": {}}}, ["#/by_name/a~1b~0c/number"]),
        ({"items": [{"number": 1, "either": "x"}]}, ["#/items/0/either"] * 2),
        ({"items": [{"number": 1, "either": [1, "x"]}]}, ["#/items/0/either"] * 2),
        ({"items": "x", "other": 1}, ["#/items", "#/other"]),
    ],
)
def test_each_bad_field_is_named_by_its_json_pointer(
    things: Room, body: Any, pointers: list[str]
) -> None:
    answer = things.post("/api/v1/things", body)
    assert answer.status_code == 422
    found = [pointer for pointer, _ in errors_of(answer)]
    assert [(pointer or "").removesuffix("/1") for pointer in found] == pointers


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"items": [}', b"\x00", b"[" * 1900])
def test_a_body_that_is_not_json_is_422_and_names_the_body(things: Room, content: bytes) -> None:
    answer = things.client.post(
        "/api/v1/things",
        content=content,
        headers=things.token() | {"Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    assert [pointer for pointer, _ in errors_of(answer)] == ["#"]


def test_a_name_that_no_utf_8_can_carry_is_422(things: Room) -> None:
    answer = things.client.post(
        "/api/v1/things",
        content=rb'{"items": [], "\ud800": 1}',
        headers=things.token() | {"Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    assert errors_of(answer)[0][0] in {"#", "#/?"}


def test_a_bad_parameter_is_named(things: Room) -> None:
    answer = things.get("/api/v1/things", limit=0)
    assert answer.status_code == 422
    assert [name for name, _ in errors_of(answer)] == ["limit"]


def test_an_unknown_address_is_404_with_the_address_of_the_list(things: Room) -> None:
    answer = things.get("/api/v1/thing")
    assert answer.status_code == 404
    assert errors_of(answer) == []
    request_id = answer.headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", request_id)
    assert answer.json() == {
        "type": "urn:emall:problem:not-found",
        "title": "Not found",
        "status": 404,
        "detail": "No resource at /api/v1/thing; /openapi.json lists all paths.",
        "instance": "/api/v1/thing",
        "request_id": request_id,
        "errors": [],
    }


def test_a_method_that_is_not_possible_is_405_and_names_all_that_are(things: Room) -> None:
    answer = things.client.patch("/api/v1/things", headers=things.token())
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"
    assert answer.json()["detail"] == "PATCH is not allowed here; use GET, POST."
    other = things.get("/api/v1/things/1")
    assert (other.status_code, other.headers["allow"]) == (405, "DELETE, PUT")


def test_a_problem_carries_its_headers_its_errors_and_its_own_members(things: Room) -> None:
    answer = things.client.put("/api/v1/things/1", headers=things.token())
    assert answer.status_code == 409
    assert answer.headers["retry-after"] == "3"
    assert errors_of(answer) == [("#/x", "is taken")]
    assert answer.json()["wait_seconds"] == 3


def test_a_crash_is_500_without_internal_details(things: Room) -> None:
    answer = things.client.delete("/api/v1/things/1", headers=things.token())
    assert answer.status_code == 500
    assert errors_of(answer) == []
    assert "secret" not in answer.text


def test_a_body_that_announces_too_much_is_413(things: Room) -> None:
    answer = things.post("/api/v1/things", {"items": [{"number": 1}] * 1000})
    assert answer.status_code == 413
    assert errors_of(answer) == []


def test_a_body_that_grows_too_large_as_it_comes_is_413(things: Room) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(30):
            yield b" " * 100

    answer = things.client.post("/api/v1/things", content=chunks(), headers=things.token())
    assert answer.status_code == 413
    assert errors_of(answer) == []


def test_an_answer_without_a_token_is_401_even_where_nothing_is(things: Room) -> None:
    for path in ("/api/v1/things", "/nothing"):
        answer = things.client.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="emall"'
        assert errors_of(answer) == []


def test_every_kind_of_problem_has_a_status_and_a_name_of_its_own() -> None:
    assert len({kind.status for kind in PROBLEM_CLASSES}) == len(PROBLEM_CLASSES)
    assert len({kind.slug for kind in PROBLEM_CLASSES}) == len(PROBLEM_CLASSES)


def test_the_openapi_document_defines_what_its_errors_refer_to(things: Room) -> None:
    schemas = things.client.get("/openapi.json").json()["components"]["schemas"]
    assert {"Problem", "FieldError"} <= schemas.keys()


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json, st.lists(st.text() | st.integers(0, 4), max_size=5), st.booleans())
def test_a_place_always_stands_in_the_document(document: Any, location: Any, missing: bool) -> None:
    place = field_location(document, location, missing=missing)
    here = document
    for index, part in enumerate(place):
        if missing and isinstance(here, dict) and part not in here:
            assert index == len(place) - 1
            return
        here = here[part]


@given(st.lists(st.text() | st.integers(0, 9)))
def test_a_pointer_escapes_what_would_divide_it(parts: list[str | int]) -> None:
    pointer = json_pointer(tuple(parts))
    assert pointer.count("/") == len(parts)
    unescaped = [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]
    assert unescaped == [str(part) for part in parts]


@pytest.mark.parametrize("content", [None, "no key"])
def test_without_the_gateways_public_key_a_service_reports_it_until_it_has_it(
    server: Server, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "public.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    settings = server.settings("postgres", identity_public_key_file=file)
    with room(make_app, settings) as things:
        early = things.get("/api/v1/things")
        assert (early.status_code, early.headers["retry-after"]) == (503, "5")
        assert early.headers["content-type"] == "application/problem+json"
        own = server.settings("postgres")
        file.write_bytes(own.public_key_file.read_bytes())
        assert things.get("/api/v1/things").status_code == 200
