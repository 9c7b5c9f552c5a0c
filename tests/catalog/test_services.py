"""Services, agencies and life events over HTTP."""

from pathlib import Path
from typing import Any

import pytest

from services.catalog.schemas import ServiceSummary
from services.platform.paging import CountedPage
from tests.conftest import Room
from tests.packs import component, load, service, write_pack, write_yaml
from tests.rows import close_connections


def slugs(answer: Any) -> list[str]:
    return [item["slug"] for item in answer.json()["items"]]


NATIONAL = {slug: {"national": True} for slug in ("oss", "simbg")}


@pytest.fixture
def regency(catalog: Room, tmp_path: Path) -> Room:
    """Provide a catalogue of four services."""
    pbg = service(
        "pbg",
        agency="pupr",
        digital=True,
        life_events=["rumah"],
        channels=[{"kind": "online", "link": "simbg"}, {"kind": "counter"}],
        components={
            "persyaratan": component(items=["Sketsa"], sources=["law"]),
            "jangka_waktu": component(working_days=28, sources=["study", "law"]),
        },
    )
    services = [
        service("akta", life_events=["kelahiran"]),
        service("kk", life_events=["kelahiran"], channels=[{"kind": "visit"}]),
        pbg,
        service("imb-lama", agency="pupr", status="inactive"),
    ]
    load(catalog, write_pack(tmp_path, services))
    return catalog


def test_services_are_listed_by_slug(regency: Room) -> None:
    assert slugs(regency.get("/api/v1/services")) == ["akta", "imb-lama", "kk", "pbg"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"agency": "pupr"}, ["imb-lama", "pbg"]),
        ({"life_event": "kelahiran"}, ["akta", "kk"]),
        ({"channel": "counter"}, ["akta", "imb-lama", "pbg"]),
        ({"channel": "online", "agency": "dukcapil"}, []),
        ({"agency": "dishub"}, []),
    ],
)
def test_a_list_applies_its_filters(
    regency: Room, parameters: dict[str, Any], expected: list[str]
) -> None:
    assert slugs(regency.get("/api/v1/services", **parameters)) == expected


def test_pages_follow_each_other_with_the_same_filters(regency: Room) -> None:
    first = regency.get("/api/v1/services", channel="counter", limit=2)
    assert slugs(first) == ["akta", "imb-lama"]
    assert first.json()["next"] == "/api/v1/services?channel=counter&limit=2&cursor=imb-lama"
    second = regency.get(first.json()["next"])
    assert slugs(second) == ["pbg"]
    assert second.json()["next"] is None


def test_an_item_of_the_list_has_what_a_card_shows(regency: Room) -> None:
    item = regency.get("/api/v1/services", agency="pupr").json()["items"][1]
    assert item == {
        "slug": "pbg",
        "name": "Layanan pbg",
        "name_en": "Service pbg",
        "summary": "Diurus di loket.",
        "summary_en": "Done at the counter.",
        "agency": {"slug": "pupr", "name": "Dinas pupr", "short_name": "PUPR"},
        "status": "active",
        "digital": True,
        "channels": ["counter", "online"],
        "life_events": ["rumah"],
        "completeness": {"published": 2, "of": 14},
        "version": 1,
        "modified_at": "2026-03-01T00:00:00Z",
        "href": "/api/v1/services/pbg",
    }


def test_a_service_carries_its_agency_its_life_events_and_each_source_once(regency: Room) -> None:
    pbg = regency.get("/api/v1/services/pbg").json()
    assert pbg["agency"]["slug"] == "pupr"
    assert [event["slug"] for event in pbg["life_events"]] == ["rumah"]
    assert [source["id"] for source in pbg["sources"]] == ["law", "study"]
    assert pbg["service"]["components"]["jangka_waktu"]["working_days"] == 28


def test_a_missing_service_is_a_404_with_the_address_of_the_list(regency: Room) -> None:
    answer = regency.get("/api/v1/services/paspor")
    assert answer.status_code == 404
    assert answer.json() == {
        "type": "urn:emall:problem:not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is no service 'paspor'; /api/v1/services lists all of them.",
        "instance": "/api/v1/services/paspor",
        "request_id": answer.headers["x-request-id"],
        "errors": [],
    }


def test_agencies_show_the_number_of_their_services(regency: Room) -> None:
    items = regency.get("/api/v1/agencies").json()["items"]
    assert [(item["slug"], item["services"]) for item in items] == [("dukcapil", 2), ("pupr", 2)]
    assert items[1]["href"] == "/api/v1/services?agency=pupr"


def test_agencies_come_in_pages(regency: Room) -> None:
    first = regency.get("/api/v1/agencies", limit=1)
    assert slugs(first) == ["dukcapil"]
    assert slugs(regency.get(first.json()["next"])) == ["pupr"]


def test_life_events_are_in_the_order_of_the_pack(regency: Room) -> None:
    items = regency.get("/api/v1/life-events").json()["items"]
    assert [(item["slug"], item["services"]) for item in items] == [("kelahiran", 2), ("rumah", 1)]


def test_the_summary_counts_digital_and_published_services(regency: Room) -> None:
    summary = regency.get("/api/v1/catalog/summary").json()
    assert summary["services"] == 4
    assert summary["digital_services"] == 1
    assert summary["digital_in_operation"] == 1
    assert (summary["own_digital_services"], summary["own_digital_in_operation"]) == (1, 1)
    assert summary["standard_share"] == pytest.approx(2 / (14 * 4))
    assert [item["agency"] for item in summary["agencies"]] == ["dukcapil", "pupr"]


def test_services_on_portals_of_national_bodies_are_digital_but_not_the_regency_s_own(
    catalog: Room, tmp_path: Path
) -> None:
    def online(slug: str, *links: str | None, **more: Any) -> dict[str, Any]:
        channels = [{"kind": "online", **({"link": link} if link else {})} for link in links]
        return service(slug, digital=True, channels=channels, **more)

    services = [
        online("nib", "oss"),
        online("ppid", "website"),
        online("pbg", "simbg", "website"),
        online("aplikasi", None, status="inactive"),
        service("akta"),
    ]
    root = write_pack(tmp_path, services)
    links = [{"slug": slug} | NATIONAL.get(slug, {}) for slug in ("oss", "simbg", "website")]
    write_yaml(root / "links.yaml", {"links": links})
    load(catalog, root)
    summary = catalog.get("/api/v1/catalog/summary").json()
    names = ("digital_services", "digital_in_operation", "own_digital_services")
    assert [summary[name] for name in names] == [4, 3, 3]
    assert summary["own_digital_in_operation"] == 2
    write_yaml(root / "links.yaml", {"links": [{"slug": link["slug"]} for link in links]})
    load(catalog, root)
    assert catalog.get("/api/v1/catalog/summary").json()["own_digital_services"] == 4


def test_the_summary_of_an_empty_catalogue_has_no_share(catalog: Room) -> None:
    assert catalog.get("/api/v1/catalog/summary").json() == {
        "as_of": None,
        "first_published_at": None,
        "services": 0,
        "digital_services": 0,
        "digital_in_operation": 0,
        "own_digital_services": 0,
        "own_digital_in_operation": 0,
        "standard_share": None,
        "agencies": [],
    }


def test_a_read_again_with_its_etag_is_304_without_a_body(regency: Room) -> None:
    first = regency.get("/api/v1/services/akta")
    tag = first.headers["etag"]
    again = regency.client.get(
        "/api/v1/services/akta", headers=regency.token() | {"If-None-Match": f'"other", W/{tag}'}
    )
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


def test_the_etag_changes_with_the_content(regency: Room, tmp_path: Path) -> None:
    before = regency.get("/api/v1/services/akta").headers["etag"]
    load(regency, write_pack(tmp_path, [service("akta", summary="Baru.")]))
    after = regency.client.get(
        "/api/v1/services/akta", headers=regency.token() | {"If-None-Match": before}
    )
    assert after.status_code == 200
    assert after.headers["etag"] != before


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"cursor": "Not A Slug"}, "cursor"),
        ({"agency": "a'; DROP"}, "agency"),
        ({"channel": "fax"}, "channel"),
        ({"modified_after": "2026-01-01T00:00:00"}, "modified_after"),
        ({"modified_after": "9999-12-31T23:59:59-14:00"}, "modified_after"),
        ({"modified_after": "0001-01-01T00:00:00+14:00"}, "modified_after"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(
    shared_catalog: Room, parameters: dict[str, Any], named: str
) -> None:
    answer = shared_catalog.get("/api/v1/services", **parameters)
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [named]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_the_first_and_the_last_moment_are_accepted(catalog: Room, moment: str) -> None:
    assert catalog.get("/api/v1/services", modified_after=moment).status_code == 200


def test_a_list_put_together_by_the_database_is_what_the_schema_would_give(regency: Room) -> None:
    answer = regency.get("/api/v1/services")
    page = CountedPage[ServiceSummary].model_validate_json(answer.content)
    assert answer.text == page.model_dump_json()
    assert len(page.items) == 4
    found = regency.get("/api/v1/services", query="layanan").json()["items"]
    listed = {item["slug"]: item for item in answer.json()["items"]}
    assert found
    assert all(listed[item["slug"]] == item for item in found)


def test_a_list_is_read_again_after_the_server_has_cut_its_connections(regency: Room) -> None:
    before = regency.get("/api/v1/services").json()
    close_connections(regency.settings, "emall catalog: reads")
    for _ in range(3):
        assert regency.get("/api/v1/services").json() == before
