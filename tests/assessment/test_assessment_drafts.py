"""An assessment is a draft until a second person publishes it; nobody else sees it."""

from typing import Any

import httpx
import pytest

from tests.conftest import Hub

API = "/api/v1/assessments"
DRAFTS = f"{API}/drafts"
QUICK = {"period": 2024, "draws": 200}


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Provide a hub for a module; each test publishes or deletes the drafts that it made."""
    return toba_hub


def draft(hub: Hub, key: dict[str, str], **more: Any) -> httpx.Response:
    return hub.client.post(DRAFTS, json=QUICK | more, headers=key)


def listed(hub: Hub) -> set[str]:
    return {one["id"] for one in hub.client.get(API).json()["items"]}


@pytest.mark.slow
def test_a_draft_is_published_by_a_second_person_and_seen_by_nobody_before(hub: Hub) -> None:
    author = hub.auth("diskominfo", "metrics:draft")
    second = hub.auth("bappeda", "metrics:draft")
    before = listed(hub)
    made = draft(hub, author)
    assert made.status_code == 201, made.text
    body = made.json()
    page = made.headers["location"]
    assert page == body["href"] == f"{DRAFTS}/{body['id']}"
    seen = hub.client.get(page, headers=second)
    assert seen.json() == body
    assert seen.headers["cache-control"] == "private, no-store"
    assert [one["id"] for one in hub.client.get(DRAFTS, headers=second).json()["items"]] == [
        body["id"]
    ]
    for path in (DRAFTS, page):
        assert hub.client.get(path).status_code == 401
        other = hub.auth("dukcapil", "usage:write")
        assert hub.client.get(path, headers=other).status_code == 403
    for path in ("", "/scores", "/bundle", "/evidence", "/report"):
        assert hub.client.get(f"{API}/{body['id']}{path}").status_code == 404
    assert listed(hub) == before
    assert hub.client.post(f"{page}/publication", headers=author).status_code == 403
    published = hub.client.post(f"{page}/publication", headers=second)
    assert published.status_code == 201, published.text
    stored = hub.client.get(published.headers["location"]).json()
    assert stored == published.json()
    assert stored["index"]["value"] == body["index"]["value"]
    assert (stored["recorded_at"], stored["recorded_by"]) == (body["recorded_at"], "diskominfo")
    assert listed(hub) == before | {body["id"]}
    assert hub.client.get(page, headers=second).status_code == 404
    assert hub.client.post(f"{page}/publication", headers=second).status_code == 404


def test_a_draft_that_is_older_than_what_is_published_is_not_published(hub: Hub) -> None:
    author = hub.auth("diskominfo", "metrics:draft")
    second = hub.auth("bappeda", "metrics:draft")
    old, new = draft(hub, author).json(), draft(hub, author).json()
    assert hub.client.post(f"{new['href']}/publication", headers=second).status_code == 201
    late = hub.client.post(f"{old['href']}/publication", headers=second)
    assert late.status_code == 409
    assert "2024" in late.json()["detail"]
    assert hub.client.delete(old["href"], headers=second).status_code == 403
    assert hub.client.delete(old["href"], headers=author).status_code == 204
    assert hub.client.delete(old["href"], headers=author).status_code == 404


def test_a_repeated_request_makes_one_draft_and_a_future_year_none(hub: Hub) -> None:
    key = hub.auth("diskominfo", "metrics:draft")
    once = key | {"Idempotency-Key": "kunci-konsep-1"}
    made = draft(hub, once).json()
    assert draft(hub, once).json() == made
    found = hub.client.get(DRAFTS, headers=key).json()["items"]
    assert [one["id"] for one in found] == [made["id"]]
    assert draft(hub, key, period=2999).status_code == 422
