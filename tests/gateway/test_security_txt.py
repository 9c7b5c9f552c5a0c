"""`/.well-known/security.txt` names the contact that the operator set, and no other."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import AnyHttpUrl, ValidationError
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.conftest import Hub

PATH = "/.well-known/security.txt"


def test_a_hub_names_its_contacts_until_a_day_within_a_year(settings: Settings) -> None:
    contacts = "mailto:aman@tobakab.example https://tobakab.example/lapor"
    changed = {"security_contact": contacts, "public_url": AnyHttpUrl("https://emall.example")}
    with TestClient(create_app(settings.model_copy(update=changed))) as client:
        answer = client.get(PATH)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    fields = [line.split(": ", 1) for line in answer.text.splitlines()]
    assert [value for name, value in fields if name == "Contact"] == contacts.split()
    rest = dict(fields)
    expires = datetime.fromisoformat(rest["Expires"])
    assert timedelta(days=90) < expires - datetime.now(UTC) < timedelta(days=365)
    assert rest["Preferred-Languages"] == "id, en"
    assert rest["Canonical"] == f"https://emall.example{PATH}"


def test_without_a_contact_there_is_none(shared: Hub) -> None:
    answer = shared.client.get(PATH)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:emall:problem:not-found")


@pytest.mark.parametrize(
    "contact",
    [
        "aman@tobakab.example",
        "http://tobakab.example/lapor",
        "mailto:aman",
        "mailto:a@b.example\nContact: mailto:x@y.example",
        "",
    ],
)
def test_a_contact_is_an_address_that_the_standard_allows(
    contact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMALL_SECURITY_CONTACT", contact)
    with pytest.raises(ValidationError, match="security_contact"):
        Settings()  # pyright: ignore[reportCallIssue]
