"""A creation that is sent again with its `Idempotency-Key` creates nothing more."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import Hub

pytestmark = pytest.mark.slow

API = "/api/v1"
BEGIN, END = (datetime.now(UTC) + timedelta(days=days) for days in (1, 2))
BODIES = {
    "incidents": {"link": "simbg", "title": "Berkas hilang", "title_en": "Lost files"},
    "maintenance": {
        "link": "simbg",
        "starts_at": BEGIN.isoformat(),
        "ends_at": END.isoformat(),
        "text": "Pemindahan peladen",
    },
    "webhooks": {"url": "https://receiver.example/hook"},
}
OTHER = {
    "incidents": {"title": "Berkas lain hilang"},
    "maintenance": {"text": "Pembaruan"},
    "webhooks": {"url": "https://receiver.example/other"},
}


@pytest.mark.parametrize("path", BODIES)
def test_a_repeated_creation_answers_as_the_first(hub: Hub, path: str) -> None:
    admin = hub.auth("diskominfo", "admin")
    keyed = admin | {"Idempotency-Key": "one"}

    def post(headers: dict[str, str], **other: str) -> tuple[int, dict[str, str]]:
        answer = hub.client.post(f"{API}/{path}", json=BODIES[path] | other, headers=headers)
        return answer.status_code, answer.json()

    first = post(keyed)
    assert first[0] == 201, first
    assert post(keyed) == first
    status, problem = post(keyed, **OTHER[path])
    assert (status, problem["errors"][0]["parameter"]) == (409, "Idempotency-Key")  # type: ignore[index]
    others = hub.auth("dukcapil", "admin") | {"Idempotency-Key": "one"}
    ids = {post(headers)[1]["id"] for headers in (keyed, others, admin, admin)}
    listed = hub.client.get(f"{API}/{path}", headers=admin).json()["items"]
    assert {item["id"] for item in listed} == ids
    assert len(ids) == 4


@pytest.mark.parametrize("path", ["maintenance", "webhooks"])
def test_what_was_deleted_is_not_created_again_by_its_repetition(hub: Hub, path: str) -> None:
    headers = hub.auth("diskominfo", "admin") | {"Idempotency-Key": "one"}
    created = hub.client.post(f"{API}/{path}", json=BODIES[path], headers=headers).json()
    assert hub.client.delete(f"{API}/{path}/{created['id']}", headers=headers).status_code == 204
    again = hub.client.post(f"{API}/{path}", json=BODIES[path], headers=headers)
    assert again.status_code == 409
    assert hub.client.get(f"{API}/{path}", headers=headers).json()["items"] == []
