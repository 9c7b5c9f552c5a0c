"""Comments as Open311 GeoReport v2 gives and takes them."""

from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx
import pytest

from tests.conftest import Room
from tests.feedback.complaints import EMAIL, call, file, handler_of, move
from tests.feedback.sending import pointers

V2 = "/open311/v2"


def post(office: Room, ending: str = "json", **fields: Any) -> httpx.Response:
    return office.client.post(
        f"{V2}/requests.{ending}",
        content=urlencode({"service_code": "facility", "description": "Atap bocor."} | fields),
        headers=office.token() | {"Content-Type": "application/x-www-form-urlencoded"},
    )


def test_discovery_leads_to_the_interface(office: Room) -> None:
    [endpoint] = call(office, "GET", "/open311/discovery.json").json()["endpoints"]
    assert endpoint["url"] == V2
    assert endpoint["formats"] == ["application/json", "text/xml"]


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
    assert call(office, "GET", f"{V2}/services/moon.json").status_code == 422
    assert call(office, "GET", f"{V2}/services.yaml").status_code == 422


def test_a_request_is_a_comment_under_review(office: Room) -> None:
    made = post(office, lat="2.33", long="99.06", address_string="Pasar", media_url="ignored")
    assert made.status_code == 201
    [receipt] = made.json()
    ticket = receipt["service_request_id"]
    assert receipt["service_notice"].endswith(f"/aduan/{ticket}")
    case = call(
        office, "GET", f"/api/v1/comments/{ticket}", token=made.headers["ticket-token"]
    ).json()
    assert (case["category"], case["kind"], case["under_review"]) == ("facility", "complaint", True)
    assert (case["details"]["text"], case["details"]["latitude"]) == ("Atap bocor.", 2.33)
    xml = ElementTree.fromstring(post(office, "xml").content)
    assert next(e.tag for e in xml.findall("request/*")) == "service_request_id"


@pytest.mark.parametrize(
    ("fields", "status", "pointer"),
    [
        ({"service_code": "moon"}, 422, "#/service_code"),
        ({"description": ""}, 422, "#/description"),
        ({"lat": "north", "long": "1"}, 422, "#/lat"),
        ({"lat": "nan", "long": "1"}, 422, "#/lat"),
        ({"lat": "1"}, 422, "#"),
        ({"email": EMAIL}, 422, "#"),
        ({"attribute[service]": "No Slug"}, 422, "#/attribute[service]"),
    ],
)
def test_a_request_that_does_not_fit_is_refused(
    office: Room, fields: dict[str, str], status: int, pointer: str
) -> None:
    assert pointers(post(office, **fields), status) == [pointer]


def test_a_field_that_is_left_empty_is_left_out(office: Room) -> None:
    empty = dict.fromkeys(("lat", "long", "address_string", "email", "attribute[kind]"), "")
    assert post(office, **empty).status_code == 201


@pytest.mark.parametrize("name", ["service_code", "service_request_id"])
def test_a_list_is_not_asked_for_by_what_no_text_holds(office: Room, name: str) -> None:
    refused = office.get(f"/open311/v2/requests.json?{name}=a%00")
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, name)


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
    assert shown["ticket"] in listed(status="open")
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
