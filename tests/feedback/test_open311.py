"""Comments as Open311 GeoReport v2 gives and takes them."""

import re
from datetime import UTC, datetime
from typing import Any
from unittest.mock import ANY
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx
import pytest

from tests.conftest import Room
from tests.feedback.complaints import EMAIL, call, file, handler_of, move
from tests.rows import rows

V2 = "/open311/v2"
CONSENT = "2026-1"


def post(office: Room, ending: str = "json", **fields: Any) -> httpx.Response:
    return office.client.post(
        f"{V2}/requests.{ending}",
        content=urlencode({"service_code": "facility", "description": "Atap bocor."} | fields),
        headers=office.token() | {"Content-Type": "application/x-www-form-urlencoded"},
    )


def errors_of(answer: httpx.Response) -> list[tuple[int, Any]]:
    """Return the errors of an answer in GeoReport's form, JSON or XML."""
    if "xml" not in answer.headers["content-type"]:
        return [(error["code"], error["description"]) for error in answer.json()]
    return [
        (int(error.findtext("code") or 0), error.findtext("description"))
        for error in ElementTree.fromstring(answer.content).iter("error")
    ]


def test_discovery_leads_to_the_interface(office: Room) -> None:
    [endpoint] = call(office, "GET", "/open311/discovery.json").json()["endpoints"]
    assert endpoint["url"] == f"http://testserver{V2}"
    assert endpoint["formats"] == ["application/json", "text/xml"]
    xml = ElementTree.fromstring(call(office, "GET", "/open311/discovery.xml").content)
    assert xml.findtext("endpoints/endpoint/url") == endpoint["url"]
    assert [e.text for e in xml.iter("format")] == endpoint["formats"]


def test_services_are_the_categories_as_json_and_as_xml(office: Room) -> None:
    services = call(office, "GET", f"{V2}/services.json").json()
    assert {"facility", "levy", "other"} <= {service["service_code"] for service in services}
    xml = call(office, "GET", f"{V2}/services.xml")
    assert xml.headers["content-type"] == "text/xml; charset=utf-8"
    codes = [e.text for e in ElementTree.fromstring(xml.content).iter("service_code")]
    assert codes == [service["service_code"] for service in services]
    definition = call(office, "GET", f"{V2}/services/fee.json").json()
    assert [a["code"] for a in definition["attributes"]][:2] == ["kind", "service"]
    xml = call(office, "GET", f"{V2}/services/fee.xml")
    assert len(ElementTree.fromstring(xml.content).findall("attributes/attribute")) == 4
    for ending in ("json", "xml"):
        unknown = call(office, "GET", f"{V2}/services/moon.{ending}")
        assert errors_of(unknown) == [(404, ANY)]
        assert "moon" in unknown.text
    assert errors_of(call(office, "GET", f"{V2}/services.yaml")) == [(400, ANY)]


def test_a_request_is_a_comment_under_review(office: Room) -> None:
    made = post(office, lat="2.33", long="99.06", address_string="Pasar", media_url="ignored")
    assert made.status_code == 201
    [receipt] = made.json()
    ticket = receipt["service_request_id"]
    assert f"/aduan/{ticket}; tidak disimpan: media_url" in receipt["service_notice"]
    case = call(
        office, "GET", f"/api/v1/comments/{ticket}", token=made.headers["ticket-token"]
    ).json()
    assert (case["category"], case["kind"], case["under_review"]) == ("facility", "complaint", True)
    assert (case["details"]["text"], case["details"]["latitude"]) == ("Atap bocor.", 2.33)
    xml = ElementTree.fromstring(post(office, "xml").content)
    assert next(e.tag for e in xml.findall("request/*")) == "service_request_id"


@pytest.mark.parametrize("ending", ["json", "xml"])
@pytest.mark.parametrize(
    ("fields", "status", "named"),
    [
        ({"service_code": "moon"}, 404, "moon"),
        ({"service_code": ""}, 400, "service_code: "),
        ({"description": ""}, 400, "description: "),
        ({"lat": "north", "long": "1"}, 400, "lat: "),
        ({"lat": "nan", "long": "1"}, 400, "lat: "),
        ({"lat": "1"}, 400, "`long`"),
        ({"email": "no address", "attribute[consent]": CONSENT}, 400, "email: "),
        ({"attribute[service]": "No Slug"}, 400, "attribute[service]: "),
        ({"description": "x" * 4_001}, 400, "description: "),
    ],
)
def test_a_request_that_does_not_fit_is_refused_as_georeport_does(
    office: Room, fields: dict[str, str], status: int, named: str, ending: str
) -> None:
    refused = post(office, ending, **fields)
    [(code, description)] = errors_of(refused)
    assert refused.status_code == code == status
    assert named in description


def test_every_wrong_field_has_its_error(office: Room) -> None:
    assert len(errors_of(post(office, "xml", description="", lat="x", long="y"))) == 3


@pytest.mark.parametrize("ending", ["json", "xml"])
def test_what_another_program_sends_beside_a_report_is_taken_and_named(
    office: Room, ending: str
) -> None:
    more = {
        "jurisdiction_id": "toba.go.id",
        "api_key": "x",
        "first_name": "A",
        "last_name": "",
        "email": EMAIL,
        "phone": "not a number",
        "media_url": "https://foto.example/1.jpg",
        "attribute[fixmystreet_id]": "7",
    }
    made = post(office, ending, **more)
    assert made.status_code == 201
    [notice] = re.findall(r"tidak disimpan: ([^(;<]*)", made.text)
    assert notice.strip().split(", ") == [
        "first_name", "email", "phone", "media_url", "attribute[fixmystreet_id]",
    ]  # fmt: skip
    assert f"attribute[consent]={CONSENT}" in made.text
    assert rows(office.settings, "SELECT 1 FROM feedback.comment_contact") == []


def test_a_contact_with_consent_is_stored(office: Room) -> None:
    made = post(office, email=EMAIL, **{"attribute[consent]": CONSENT})
    assert made.status_code == 201
    assert "tidak disimpan" not in made.text


def test_a_form_with_files_is_taken_and_the_files_are_named(office: Room) -> None:
    made = office.client.post(
        f"{V2}/requests.json",
        data={"service_code": "facility", "description": "Satu\r\nDua"},
        files={"media": ("a.jpg", b"x", "image/jpeg")},
        headers=office.token(),
    )
    assert made.status_code == 201, made.text
    assert "tidak disimpan: media" in made.json()[0]["service_notice"]


def test_a_field_that_is_left_empty_is_left_out(office: Room) -> None:
    empty = dict.fromkeys(("lat", "long", "address_string", "email", "attribute[kind]"), "")
    assert post(office, **empty).status_code == 201


@pytest.mark.parametrize("name", ["service_code", "service_request_id"])
def test_a_list_is_not_asked_for_by_what_no_text_holds(office: Room, name: str) -> None:
    refused = office.get(f"/open311/v2/requests.json?{name}=a%00")
    [(code, description)] = errors_of(refused)
    assert (code, name in description) == (400, True)


def test_the_list_holds_what_an_agency_published(office: Room, agency: str) -> None:
    shown = file(office, agency=agency, public=True, category="portal", text="Portal lambat.")
    hidden = file(office, agency=agency, category="portal")
    waiting = file(office, agency=agency, public=True, category="portal")
    for ticket in (shown["ticket"], hidden["ticket"]):
        move(office, ticket, "in_progress", handler_of(agency))
    publication = f"{shown['href']}/publication"
    published = call(office, "PUT", publication, {}, caller=handler_of(agency))
    assert published.status_code == 200

    def listed(**query: str) -> set[str]:
        found = call(office, "GET", f"{V2}/requests.json?{urlencode(query)}").json()
        return {one["service_request_id"] for one in found}

    tickets = {shown["ticket"], hidden["ticket"], waiting["ticket"]}
    assert listed(service_code="portal") & tickets == {shown["ticket"]}
    assert listed(service_request_id=",".join(tickets)) == {shown["ticket"]}
    assert listed(service_request_id=f"{shown['ticket'].lower()}, x") == {shown["ticket"]}
    for every in ("open", "open,closed", "closed, open", "OPEN"):
        assert shown["ticket"] in listed(status=every)
    today = datetime.now(UTC).date().isoformat()
    for since in ("2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z"):
        assert shown["ticket"] in listed(start_date=since)
    assert shown["ticket"] in listed(start_date="2026-01-01", end_date=f"{today}T23:59:59Z")
    for sign in ("+", "%2B"):
        query = f"start_date=2026-01-01T00:00:00{sign}07:00"
        found = call(office, "GET", f"{V2}/requests.json?{query}")
        assert shown["ticket"] in found.text
    small = call(office, "GET", f"{V2}/requests/{shown['ticket'].lower()}.json")
    assert small.json()[0]["service_request_id"] == shown["ticket"]
    assert "no-store" not in small.headers.get("cache-control", "")
    assert shown["ticket"] not in listed(status="closed")
    assert listed(end_date="2020-01-01T00:00:00Z") == set()
    assert listed(end_date="0001-01-01T00:00:00Z") == set()
    [one] = call(office, "GET", f"{V2}/requests/{shown['ticket']}.json").json()
    assert (one["description"], one["status"]) == ("Portal lambat.", "open")
    [one] = call(office, "GET", f"{V2}/requests/{hidden['ticket']}.json").json()
    assert one["description"] is None
    [one] = call(
        office, "GET", f"{V2}/requests/{hidden['ticket']}.json", token=hidden["token"]
    ).json()
    assert one["description"].startswith("Antrean")


@pytest.mark.parametrize("path", ["requests.json", "requests/{}.json", "requests/{}.xml"])
def test_a_published_comment_shows_no_place_which_may_be_the_writers_home(
    office: Room, agency: str, path: str
) -> None:
    where = {"place": "Rumah di Jl. Melati 3", "latitude": 2.3331, "longitude": 99.0661}
    filed = file(office, agency=agency, public=True, text="Jalan rusak.", **where)
    handler = handler_of(agency)
    assert call(office, "PUT", f"{filed['href']}/publication", {}, caller=handler).is_success
    public = call(office, "GET", f"{V2}/{path.format(filed['ticket'])}")
    assert "Jalan rusak." in public.text
    assert not any(word in public.text for word in ("Melati", "2.3331", "99.0661"))
    single = f"{V2}/requests/{filed['ticket']}.json"
    for whole in (
        call(office, "GET", single, token=filed["token"]),
        call(office, "GET", single, caller=handler),
    ):
        [one] = whole.json()
        assert (one["address"], one["lat"]) == (where["place"], 2.3331)


@pytest.mark.parametrize("unclear", ["1", "yes", "True", "0", "x"])
def test_an_unclear_value_of_public_is_refused(office: Room, unclear: str) -> None:
    form = {"service_code": "time", "description": "Lama sekali.", "attribute[public]": unclear}
    answer = office.client.post("/open311/v2/requests.json", data=form, headers=office.token())
    assert answer.status_code in {400, 422}
    assert "attribute[public]" in answer.text


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("start_date=yesterday", "start_date"),
        ("end_date=2026-13-01", "end_date"),
        ("status=open,lost", "status"),
    ],
)
def test_a_filter_that_cannot_be_read_is_named(office: Room, query: str, named: str) -> None:
    [(code, description)] = errors_of(call(office, "GET", f"{V2}/requests.xml?{query}"))
    assert (code, description.startswith(named)) == (400, True)


def test_an_unknown_ticket_and_a_missing_path_have_errors_of_georeport_too(office: Room) -> None:
    for path in ("requests/7K3M-9QXT-2C86.xml", "nothing.xml"):
        assert errors_of(call(office, "GET", f"{V2}/{path}"))[0][0] == 404
