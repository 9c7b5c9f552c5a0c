"""Typed clients: what they return, what they raise, and what they load."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import pytest

from services.catalog.client import CatalogClient
from services.feedback.client import FeedbackClient, UploadProblem
from services.platform.service import API
from services.platform.service_client import RequestRejectedError

ResultT = TypeVar("ResultT")
ClientT = TypeVar("ClientT", CatalogClient, FeedbackClient)

EVENT = {
    "slug": "lahir",
    "name": "Lahir",
    "name_en": "Birth",
    "description": "",
    "description_en": "",
    "services": 2,
    "href": f"{API}/services?life_event=lahir",
}
AGENCY = {
    "name": "Dinas",
    "short_name": "Dinas",
    "name_en": "Office",
    "kind": "dinas",
    "sources": ["perda"],
    "services": 1,
    "href": f"{API}/services",
}


def ask(
    client: type[ClientT],
    respond: Callable[[httpx.Request], httpx.Response],
    request: Callable[[ClientT], Awaitable[ResultT]],
) -> ResultT:
    """Return what a request to a service returns that responds so."""

    async def send() -> ResultT:
        transport = httpx.MockTransport(respond)
        async with httpx.AsyncClient(base_url="http://service", transport=transport) as http:
            return await request(client(http))

    return asyncio.run(send())


def answer(status: int, document: Any) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, json=document)


def test_requests_tell_the_language_of_the_reader() -> None:
    sent: list[httpx.Headers] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers)
        return httpx.Response(204)

    async def send() -> None:
        transport = httpx.MockTransport(respond)
        async with httpx.AsyncClient(base_url="http://service", transport=transport) as http:
            await CatalogClient(http, language="id").discard_draft("ktp-el", tag='"1"')

    asyncio.run(send())
    assert (sent[0]["Accept-Language"], sent[0]["If-Match"]) == ("id", '"1"')


def test_an_unknown_field_of_a_newer_service_is_ignored() -> None:
    respond = answer(200, {"items": [EVENT | {"new": 1}], "next": None, "more": True})
    [event] = ask(CatalogClient, respond, lambda client: client.list_life_events())
    assert (event.slug, event.services) == ("lahir", 2)


@pytest.mark.parametrize("body", ['{"items": [{}], "next": null}', "<html>", ""])
def test_a_response_that_does_not_fit_the_model_is_an_http_error(body: str) -> None:
    with pytest.raises(httpx.DecodingError, match="/api/v1/life-events is no Page"):
        ask(
            CatalogClient,
            lambda _: httpx.Response(200, text=body),
            lambda client: client.list_life_events(),
        )


def test_the_error_does_not_repeat_the_content() -> None:
    with pytest.raises(httpx.DecodingError) as caught:
        ask(
            FeedbackClient,
            answer(200, {"ticket": "a citizen's words"}),
            lambda client: client.find_comment("x", secret=None),
        )
    assert "words" not in str(caught.value)


def test_what_does_not_exist_is_none() -> None:
    respond = answer(404, {"title": "Not found", "status": 404})
    assert ask(CatalogClient, respond, lambda client: client.find_service("none")) is None


@pytest.mark.parametrize("status", [500, 503])
def test_a_failure_of_the_service_is_an_http_error(status: int) -> None:
    with pytest.raises(httpx.HTTPStatusError) as caught:
        ask(CatalogClient, answer(status, {}), lambda client: client.find_service("ktp"))
    assert not isinstance(caught.value, RequestRejectedError)


def test_a_rejection_has_the_problem_document() -> None:
    problem = {
        "title": "Invalid",
        "status": 422,
        "detail": "See errors.",
        "errors": [{"pointer": "#/Rekap/B2", "detail": "must be a number"}],
        "rows": [{"sheet": "Rekap", "row": 2, "cells": []}],
    }
    with pytest.raises(RequestRejectedError) as caught:
        ask(
            FeedbackClient,
            answer(422, problem),
            lambda client: client.upload_statistics(
                b"a,b", media_type="text/csv", dry_run=True, language="id"
            ),
        )
    assert caught.value.status == 422
    assert caught.value.problem.errors[0].pointer == "#/Rekap/B2"
    assert caught.value.problem_as(UploadProblem).rows[0].row == 2


def test_a_list_is_read_to_its_last_page() -> None:
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        slug = "a" if len(asked) == 1 else "b"
        following = f"{API}/agencies?limit=100&cursor=a" if len(asked) == 1 else None
        return httpx.Response(200, json={"items": [AGENCY | {"slug": slug}], "next": following})

    agencies = ask(CatalogClient, respond, lambda client: client.list_agencies())
    assert [agency.slug for agency in agencies] == ["a", "b"]
    assert asked == [f"{API}/agencies?limit=100", f"{API}/agencies?limit=100&cursor=a"]


@pytest.mark.slow
def test_clients_load_models_only() -> None:
    """A gateway whose services run elsewhere stays small: no numerical library, no routes, nothing
    that computes scores."""
    code = (
        "import sys, services.catalog.client, services.feedback.client, services.assessment.client;"
        "heavy = {'numpy', 'scipy', 'pandas', 'openpyxl', 'networkx', 'PIL'} & set(sys.modules);"
        "routes = [m for m in sys.modules if m.startswith('services.') and m.endswith('routes')];"
        "computing = [m for m in sys.modules if m.startswith('services.assessment.')"
        " and m.split('.')[-2:-1] == ['scoring'] and m.split('.')[-1] not in"
        " {'items', 'results', 'scores'} or m == 'services.assessment.methods.definition'];"
        "assert not heavy and not routes and not computing, (heavy, routes, computing)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_no_more_requests_are_made_at_a_time_than_the_limit_allows() -> None:
    open_now, most = 0, 0

    async def respond(_: httpx.Request) -> httpx.Response:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0)
        open_now -= 1
        return httpx.Response(200, json=AGENCY)

    async def ask_often() -> None:
        transport = httpx.MockTransport(respond)
        async with httpx.AsyncClient(base_url="http://service", transport=transport) as http:
            limit = asyncio.Semaphore(2)
            clients = [CatalogClient(http, limit=limit) for _ in range(5)]
            await asyncio.gather(
                *(client.find_service("x") for client in clients), return_exceptions=True
            )

    asyncio.run(ask_often())
    assert most == 2
