"""The catalogue in the formats of others, of the Toba pack and of small ones."""

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from pyshacl import validate
from rdflib import DCAT, DCTERMS, RDF, Graph, Literal, Namespace, URIRef
from starlette.testclient import TestClient

from services.catalog.app import create_app
from services.catalog.editing import lock_publishing, store_services
from services.catalog.exports.identifiers import uuid_of
from services.catalog.records import Service as CatalogueService
from services.platform.database import Database
from services.platform.settings import Service
from tests.catalog.cpsv_ap_shapes import shapes
from tests.catalog.hsds_schemas import hsds_schema
from tests.conftest import Room, Server
from tests.packs import component, load, service, write_pack
from tests.rows import rows

CPSV = Namespace("http://purl.org/vocab/cpsv#")
CV = Namespace("http://data.europa.eu/m8g/")
LATER = datetime(2026, 4, 1, tzinfo=UTC)
PUBLIC = "https://emall.tobakab.example"


@pytest.fixture(scope="module")
def toba_catalog(server: Server, toba: str) -> Iterator[Room]:
    """Start the catalog service on the Toba pack, at a public address; its tests only read."""
    with server.database_from(toba) as name:
        settings = server.settings(name, public_url=PUBLIC)
        app = create_app(settings)
        with TestClient(app, raise_server_exceptions=False) as client:
            yield Room(client, app, settings)


def graph_of(answer: httpx.Response, format_name: str = "json-ld") -> Graph:
    assert answer.status_code == 200, answer.text
    return Graph().parse(data=answer.text, format=format_name)


@pytest.fixture(scope="module")
def cpsv(toba_catalog: Room) -> Graph:
    return graph_of(toba_catalog.get("/api/v1/exports/cpsv-ap.jsonld"))


def test_all_services_are_exported_by_cpsv_ap(toba_catalog: Room, cpsv: Graph) -> None:
    total = toba_catalog.get("/api/v1/services?limit=1").json()["total"]
    assert len(set(cpsv.subjects(RDF.type, CPSV.PublicService))) == total
    ktp = URIRef(f"{PUBLIC}/id/service/ktp-el")
    assert cpsv.value(ktp, CV.hasCompetentAuthority) == URIRef(f"{PUBLIC}/id/agency/dukcapil")
    costs = [cpsv.value(cost, CV.hasValue) for cost in cpsv.objects(ktp, CV.hasCost)]
    assert [float(str(cost)) for cost in costs] == [0.0]


@pytest.mark.slow
def test_the_export_conforms_to_the_shapes_and_fails_without_a_title(cpsv: Graph) -> None:
    asked = shapes()
    conforms, _, text = validate(cpsv, shacl_graph=asked)
    assert conforms, text
    ktp = URIRef(f"{PUBLIC}/id/service/ktp-el")
    titles = list(cpsv.triples((ktp, DCTERMS.title, None)))
    for title in titles:
        cpsv.remove(title)
    conforms, _, text = validate(cpsv, shacl_graph=asked)
    for title in titles:
        cpsv.add(title)
    assert not conforms
    assert "title" in str(text)


@pytest.mark.slow
def test_turtle_says_the_same(toba_catalog: Room, cpsv: Graph) -> None:
    turtle = graph_of(toba_catalog.get("/api/v1/exports/cpsv-ap.ttl"), "turtle")
    assert turtle.isomorphic(cpsv)


def test_without_a_public_address_identifiers_are_urns(shared_catalog: Room) -> None:
    document = shared_catalog.get("/api/v1/exports/cpsv-ap.jsonld").json()
    [dataset] = [node for node in document["@graph"] if node["@type"] == "dcat:Dataset"]
    assert dataset["@id"] == uuid_of("12.12", "dataset", "services").urn
    assert shared_catalog.get("/api/v1/exports/cpsv-ap.ttl").status_code == 200


def test_dcat_lists_datasets_with_addresses(toba_catalog: Room) -> None:
    graph = graph_of(toba_catalog.get("/api/v1/exports/dcat.jsonld"))
    [catalogue] = graph.subjects(RDF.type, DCAT.Catalog)
    datasets = set(graph.objects(catalogue, DCAT.dataset))
    assert datasets == set(graph.subjects(RDF.type, DCAT.Dataset))
    addresses = set(graph.objects(None, DCAT.accessURL))
    assert URIRef(f"{PUBLIC}/api/v1/exports/services.csv") in addresses
    for dataset in datasets:
        assert {Literal, URIRef} >= {type(graph.value(dataset, DCTERMS.title))}
        assert graph.value(dataset, DCTERMS.publisher)
        assert list(graph.objects(dataset, DCAT.distribution))


def test_the_table_has_a_row_per_service(toba_catalog: Room) -> None:
    answer = toba_catalog.get("/api/v1/exports/services.csv")
    table = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert len(table) == toba_catalog.get("/api/v1/services?limit=1").json()["total"]
    [ktp] = [row for row in table if row["slug"] == "ktp-el"]
    assert (ktp["agency"], ktp["fee_idr"]) == ("dukcapil", "0")


@pytest.fixture(scope="module")
def hsds(toba_catalog: Room) -> list[dict[str, Any]]:
    """Return all services of HSDS, page by page."""
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {}
    for number in count(1):
        page = toba_catalog.get("/hsds/services", page=number, per_page=30).json()
        assert (page["page_number"], page["size"]) == (number, len(page["contents"]))
        assert page["first_page"] is (number == 1)
        found += page["contents"]
        if page["last_page"]:
            break
    assert len(found) == page["total_items"]
    return found


def test_hsds_lists_every_service_once(toba_catalog: Room, hsds: list[dict[str, Any]]) -> None:
    assert toba_catalog.get("/hsds/").json()["version"] == "3.0"
    assert len({item["id"] for item in hsds}) == len(hsds)
    assert all(UUID(item["id"]) and item["name"] and item["organization"] for item in hsds)
    assert {item["status"] for item in hsds} <= {"active", "inactive"}


def test_every_item_and_list_of_hsds_is_valid(
    toba_catalog: Room, hsds: list[dict[str, Any]]
) -> None:
    listed, whole = (
        Draft202012Validator(hsds_schema(name), format_checker=FormatChecker())
        for name in ("listed_service", "service")
    )
    for item in hsds:
        assert [error.message for error in listed.iter_errors(item)] == [], item["name"]
    full = toba_catalog.get("/hsds/services", format="ndjson", full="true").text.splitlines()
    assert len(full) == len(hsds)
    for line in full:
        item = json.loads(line)
        assert [error.message for error in whole.iter_errors(item)] == [], item["name"]
    assert not whole.is_valid(json.loads(full[0]) | {"status": "open"})
    assert not listed.is_valid({key: value for key, value in hsds[0].items() if key != "name"})


def test_hsds_gives_a_service_with_all_that_belongs_to_it(toba_catalog: Room) -> None:
    ktp = uuid_of("12.12", "service", "ktp-el")
    found = toba_catalog.get(f"/hsds/services/{ktp}").json()
    assert found["name"].startswith("Kartu Tanda Penduduk")
    assert found["cost_options"][0]["amount"] == 0
    assert len(found["required_documents"]) == 3
    [listed] = [
        item
        for item in toba_catalog.get("/hsds/services", search="KTP", full="true").json()["contents"]
        if item["id"] == str(ktp)
    ]
    assert listed == found
    assert toba_catalog.get(f"/hsds/services/{UUID(int=0)}").status_code == 404


@pytest.mark.parametrize(
    ("parameters", "kept"),
    [
        ({"organization_id": str(uuid_of("12.12", "agency", "dukcapil"))}, True),
        ({"organization_id": str(UUID(int=1))}, False),
        ({"search": "zzzz"}, False),
        ({"search": "dan"}, False),
        ({"modified_after": "2020-01-01T00:00:00Z"}, True),
        ({"modified_after": "2199-01-01T00:00:00Z"}, False),
        ({"page": 1000}, False),
    ],
)
def test_hsds_filters(toba_catalog: Room, parameters: dict[str, Any], kept: bool) -> None:
    page = toba_catalog.get("/hsds/services", **parameters).json()
    assert page["empty"] is not kept
    assert bool(page["contents"]) is kept


def test_hsds_sends_all_services_as_lines(toba_catalog: Room, hsds: list[dict[str, Any]]) -> None:
    answer = toba_catalog.get("/hsds/services", format="ndjson", minimal="true")
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["id"] for line in lines] == [item["id"] for item in hsds]
    assert set(lines[0]) == {"id", "name", "status", "last_modified"}


@pytest.fixture
def changing(catalog: Room, tmp_path: Path) -> Room:
    """Provide a catalogue of 25 services, of which three are changed and two withdrawn later."""
    names = [f"layanan-{n:02}" for n in range(25)]
    load(catalog, write_pack(tmp_path, [service(name) for name in names]))
    changed = {"layanan-03", "layanan-07", "layanan-24"}
    load(
        catalog,
        write_pack(
            tmp_path,
            [
                service(name, **({"summary": "Baru."} if name in changed else {}))
                for name in names
                if name not in {"layanan-00", "layanan-11"}
            ],
        ),
        now=LATER,
    )
    return catalog


def test_changes_come_in_their_order_with_withdrawn_services(changing: Room) -> None:
    page = changing.get("/api/v1/services", modified_after="2026-03-15T00:00:00Z").json()
    assert [(item["slug"][-2:], item["status"]) for item in page["items"]] == [
        ("00", "withdrawn"),
        ("03", "active"),
        ("07", "active"),
        ("11", "withdrawn"),
        ("24", "active"),
    ]
    assert (page["total"], page["next"]) == (5, None)


def test_who_reads_the_changes_misses_none_while_services_change(
    changing: Room, tmp_path: Path
) -> None:
    """The catalogue changes after each page: what was read before comes again with its change."""
    seen: dict[str, tuple[int, str]] = {}
    address = "/api/v1/services?modified_after=2000-01-01T00:00:00Z&limit=4"
    step, versions = 0, [f"layanan-{n:02}" for n in range(1, 25) if n != 11]
    while address:
        page = changing.get(address).json()
        for item in page["items"]:
            assert seen.get(item["slug"], (0, ""))[0] < item["version"], "an older version again"
            seen[item["slug"]] = (item["version"], item["status"])
        address = page["next"]
        step += 1
        if step < 6:
            versions.remove(versions[-1])
            changed = [service(name, summary=f"Ke-{step}") for name in versions[:2]]
            unchanged = [
                service(name, **({"summary": "Baru."} if name[-2:] in {"03", "07"} else {}))
                for name in versions[2:]
            ]
            moment = LATER + timedelta(days=step)
            load(changing, write_pack(tmp_path, [*changed, *unchanged]), now=moment)
    stored = rows(
        changing.settings,
        "SELECT DISTINCT ON (slug) slug, number, content IS NULL FROM catalog.service_version "
        "ORDER BY slug, number DESC",
    )
    assert len(stored) == 25
    assert {slug: (number, gone) for slug, number, gone in stored} == {
        slug: (number, status == "withdrawn") for slug, (number, status) in seen.items()
    }


@pytest.mark.slow
def test_pages_of_hsds_miss_no_service_while_services_change(
    changing: Room, tmp_path: Path
) -> None:
    found: list[str] = []
    for number in range(1, 6):
        page = changing.get("/hsds/services", page=number, per_page=5).json()
        found += [item["id"] for item in page["contents"]]
        kept = [service(f"layanan-{n:02}") for n in range(number * 4, 25) if n != 11]
        load(changing, write_pack(tmp_path, kept), now=LATER + timedelta(days=number))
    assert sorted(found) == sorted(
        str(uuid_of("12.12", "service", f"layanan-{n:02}")) for n in range(25)
    )
    statuses = {
        item["status"] for item in changing.get("/hsds/services", per_page=100).json()["contents"]
    }
    assert statuses == {"active", "defunct"}


def test_a_clock_that_is_behind_does_not_hide_a_change(catalog: Room, tmp_path: Path) -> None:
    load(catalog, write_pack(tmp_path, [service("akta"), service("ktp")]), now=LATER)
    last = catalog.get("/api/v1/services?modified_after=2000-01-01T00:00:00Z").json()["items"][-1]
    behind = LATER - timedelta(days=3)
    load(
        catalog,
        write_pack(tmp_path, [service("akta", summary="Baru."), service("ktp")]),
        now=behind,
    )
    changes = catalog.get("/api/v1/services", modified_after=last["modified_at"]).json()["items"]
    assert [(item["slug"], item["version"]) for item in changes] == [("akta", 2)]


def test_who_waits_to_publish_is_later_than_who_published_meanwhile(
    catalog: Room, tmp_path: Path
) -> None:
    load(catalog, write_pack(tmp_path, [service("akta")]))
    region, akta = catalog.settings.region, CatalogueService.model_validate(service("akta"))

    async def story() -> tuple[datetime, datetime]:
        database = Database(catalog.settings, Service.catalog)

        async def wait_and_lock() -> datetime:
            async with database.write_session() as session:
                return await lock_publishing(session, region, LATER)

        async with database.write_session() as session:
            published = await lock_publishing(session, region, LATER + timedelta(seconds=9))
            waiting = asyncio.create_task(wait_and_lock())
            await asyncio.sleep(0.3)
            assert not waiting.done()
            await store_services(
                session,
                region,
                [akta.model_dump_json()],
                origin="pack",
                recorded_by="pack",
                now=published,
            )
        afterwards = await waiting
        await database.close()
        return published, afterwards

    published, afterwards = asyncio.run(story())
    assert afterwards > published


def test_the_feed_has_entries_and_deleted_entries(changing: Room) -> None:
    feed = ElementTree.fromstring(changing.get("/api/v1/exports/changes.atom").content)
    kinds = [element.tag.rpartition("}")[2] for element in feed]
    assert kinds.count("deleted-entry") == 2
    assert kinds.count("entry") == 23


@pytest.mark.parametrize("cursor", ["akta", "1-", "99999999999999999999-akta", "x-akta"])
def test_a_cursor_of_another_list_is_refused_by_its_name(shared_catalog: Room, cursor: str) -> None:
    answer = shared_catalog.get(
        "/api/v1/services", modified_after="2026-01-01T00:00:00Z", cursor=cursor
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "cursor"


def test_identifiers_are_the_same_in_python_and_in_sql(empty: Any) -> None:
    found = rows(empty, "SELECT catalog.service_id($1, $2)", "12.12", "ktp-el")
    assert found == [(uuid_of("12.12", "service", "ktp-el"),)]
    assert uuid_of("12.12", "service", "ktp-el").version == 8


def test_what_is_not_published_is_left_out(catalog: Room, tmp_path: Path) -> None:
    load(catalog, write_pack(tmp_path, [service("akta", components={"persyaratan": component()})]))
    [node] = [
        node
        for node in catalog.get("/api/v1/exports/cpsv-ap.jsonld").json()["@graph"]
        if node["@type"] == "cpsv:PublicService"
    ]
    assert "cv:hasCost" not in node
    assert len(node["cv:holdsRequirement"]) == 1
