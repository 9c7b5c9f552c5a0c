"""Routes that read their declaration when something of it is first asked for."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, Query
from fastapi.exceptions import FastAPIError
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from services.catalog.app import create_app as create_catalog
from services.platform.api_model import ApiModel
from services.platform.problems import add_problem_handlers, problem_responses
from services.platform.router import DeferredRoute, Router
from services.platform.settings import Service, Settings


class Item(ApiModel):
    name: str
    count: int = 1


def find_user(user: Annotated[str, Query(min_length=2)] = "ab") -> str:
    return user


def declare(router: APIRouter) -> APIRouter:
    """Declare a read with parameters and a write with a body."""

    @router.get("/items/{number}", tags=["items"], responses=problem_responses(404))
    async def read_item(number: int, user: Annotated[str, Depends(find_user)]) -> Item:
        """Read an item."""
        return Item(name=user, count=number)

    @router.post("/items", status_code=201, response_model_exclude_defaults=True)
    async def create_item(item: Item) -> Item:
        return item

    return router


def application(router: APIRouter) -> FastAPI:
    app = FastAPI(openapi_url=None)
    add_problem_handlers(app)
    app.router.routes.extend(router.routes)
    return app


def unread(router: APIRouter) -> list[DeferredRoute]:
    routes = [route for route in router.routes if isinstance(route, DeferredRoute)]
    return [route for route in routes if "dependant" not in vars(route)]


@pytest.fixture
def router() -> Router:
    router = Router()
    declare(router)
    return router


def test_only_the_route_of_a_request_is_read(router: Router) -> None:
    client = TestClient(application(router))
    assert len(unread(router)) == 2
    assert client.get("/nothing").status_code == 404
    assert client.put("/items").headers["allow"] == "POST"
    assert len(unread(router)) == 2
    assert client.get("/items/3").json() == {"name": "ab", "count": 3}
    assert [route.path for route in unread(router)] == ["/items"]


def test_it_answers_as_the_route_of_fastapi_does(router: Router) -> None:
    ours = TestClient(application(router))
    theirs = TestClient(application(declare(APIRouter())))
    for path in ("/items/3", "/items/3?user=cd", "/items/x?user=c"):
        expected = theirs.get(path)
        answer = ours.get(path)
        assert (answer.status_code, answer.text) == (expected.status_code, expected.text)
    for body in ({"name": "a"}, {"name": 1}, {"title": "a"}, []):
        expected = theirs.post("/items", json=body)
        answer = ours.post("/items", json=body)
        assert (answer.status_code, answer.text) == (expected.status_code, expected.text)


def test_the_document_is_that_of_routes_of_fastapi(router: Router) -> None:
    document = application(router).openapi()
    assert document == application(declare(APIRouter())).openapi()
    assert document["paths"].keys() == {"/items/{number}", "/items"}
    assert not unread(router)


def test_requests_for_the_document_at_once_get_the_same(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    settings = Settings(data_dir=tmp_path_factory.mktemp("keys"))  # pyright: ignore[reportCallIssue]
    with ThreadPoolExecutor(16) as pool:
        for _ in range(3):
            client = TestClient(create_catalog(settings))
            answers = list(pool.map(client.get, ["/openapi.json"] * 32))
            assert {answer.status_code for answer in answers} == {200}
            assert len({answer.content for answer in answers}) == 1


def test_threads_that_ask_at_once_get_the_same(router: Router) -> None:
    route = unread(router)[0]
    threads = 8
    together = threading.Barrier(threads)

    def ask(_: int) -> int:
        together.wait(10)
        return id(route.app)

    with ThreadPoolExecutor(threads) as pool:
        assert len(set(pool.map(ask, range(threads)))) == 1


def test_a_declaration_that_is_refused_is_refused_each_time() -> None:
    router = Router()

    @router.get("/")
    async def root() -> threading.Barrier: ...

    [route] = unread(router)
    for _ in range(2):
        with pytest.raises(FastAPIError, match="Invalid args for response field"):
            _ = route.app
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        _ = unread(declare(Router()))[0].nothing_of_this_name  # pyright: ignore


def routes_of(service: str, settings: Settings) -> Iterator[APIRoute]:
    app: FastAPI = import_module(f"services.{service}.app").create_app(settings)
    return (route for route in app.routes if isinstance(route, APIRoute))


@pytest.mark.parametrize("service", list(Service))
def test_every_route_can_be_read(
    service: Service, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = Settings(data_dir=tmp_path_factory.mktemp("keys"))  # pyright: ignore[reportCallIssue]
    routes = list(routes_of(service.value, settings))
    assert routes
    for route in routes:
        assert isinstance(route, DeferredRoute), f"{route.path}: declare it on a Router"
        assert route.dependant.call is route.endpoint
        assert callable(route.app)
