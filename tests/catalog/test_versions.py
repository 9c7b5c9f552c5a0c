"""Versions of a service over HTTP."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import Room
from tests.packs import NOW, component, load, service, write_pack

LATER = datetime(2026, 4, 1, tzinfo=UTC)
LATEST = datetime(2026, 5, 1, tzinfo=UTC)


def test_a_new_service_has_version_1(catalog: Room, tmp_path: Path) -> None:
    load(catalog, write_pack(tmp_path, [service("akta")]))
    answer = catalog.get("/api/v1/services/akta/versions")
    assert answer.json() == {
        "items": [
            {
                "number": 1,
                "recorded_at": "2026-03-01T00:00:00Z",
                "recorded_by": "pack",
                "withdrawn": False,
                "href": "/api/v1/services/akta/versions/1",
            }
        ],
        "next": None,
    }


def test_a_changed_service_gets_version_2_and_version_1_stays_readable(
    catalog: Room, tmp_path: Path
) -> None:
    load(catalog, write_pack(tmp_path, [service("akta"), service("ktp")]))
    load(
        catalog, write_pack(tmp_path, [service("akta", summary="Baru."), service("ktp")]), now=LATER
    )

    now = catalog.get("/api/v1/services/akta").json()
    assert (now["version"], now["modified_at"]) == (2, "2026-04-01T00:00:00Z")
    assert now["service"]["summary"] == "Baru."
    first = catalog.get("/api/v1/services/akta/versions/1").json()
    assert first["service"]["summary"] == "Diurus di loket."
    assert catalog.get("/api/v1/services/ktp").json()["version"] == 1


def test_a_withdrawn_service_is_gone_and_its_versions_remain(catalog: Room, tmp_path: Path) -> None:
    load(catalog, write_pack(tmp_path, [service("akta"), service("ktp")]))
    load(catalog, write_pack(tmp_path, [service("ktp")]), now=LATER)

    gone = catalog.get("/api/v1/services/akta")
    assert gone.status_code == 410
    assert gone.json()["type"].endswith("gone")
    last = catalog.get(gone.json()["last_version"]).json()
    assert (last["number"], last["service"]["slug"]) == (1, "akta")
    items = catalog.get("/api/v1/services/akta/versions").json()["items"]
    assert [(item["number"], item["withdrawn"]) for item in items] == [(2, True), (1, False)]
    assert catalog.get("/api/v1/services/akta/versions/2").json()["service"] is None


def test_a_service_that_comes_back_counts_on(catalog: Room, tmp_path: Path) -> None:
    load(catalog, write_pack(tmp_path, [service("akta")]))
    load(catalog, write_pack(tmp_path, []), now=LATER)
    load(catalog, write_pack(tmp_path, [service("akta")]), now=LATEST)

    assert catalog.get("/api/v1/services/akta").json()["version"] == 3


def test_only_services_that_changed_after_a_moment_are_listed(
    catalog: Room, tmp_path: Path
) -> None:
    load(catalog, write_pack(tmp_path, [service("akta"), service("ktp")]))
    changed = [service("akta"), service("ktp", note="Baru")]
    load(catalog, write_pack(tmp_path, changed), now=LATER)

    answer = catalog.get("/api/v1/services", modified_after=NOW.isoformat())
    assert [item["slug"] for item in answer.json()["items"]] == ["ktp"]


def test_a_version_that_does_not_exist_is_404(catalog: Room, tmp_path: Path) -> None:
    load(catalog, write_pack(tmp_path, [service("akta")]))
    for path in ("akta/versions/2", "ktp/versions/1", "ktp/versions"):
        answer = catalog.get(f"/api/v1/services/{path}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_version_number_must_be_a_positive_number(catalog: Room) -> None:
    for number in ("0", "-1", "x", "99999999999999999999"):
        answer = catalog.get(f"/api/v1/services/akta/versions/{number}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["parameter"] == "number"


def test_the_summary_as_of_a_moment_counts_the_versions_of_then(
    catalog: Room, tmp_path: Path
) -> None:
    load(catalog, write_pack(tmp_path, [service("akta"), service("ktp", agency="pupr")]))
    standard = {"biaya_tarif": component(sources=["law"])}
    load(catalog, write_pack(tmp_path, [service("akta", components=standard)]), now=LATER)
    load(catalog, write_pack(tmp_path, []), now=LATEST)

    def shown(as_of: str) -> tuple[int, float | None, list[str]]:
        answer = catalog.get("/api/v1/catalog/summary", as_of=as_of).json()
        assert answer["first_published_at"] == "2026-03-01T00:00:00Z"
        return (
            answer["services"],
            answer["standard_share"],
            [item["agency"] for item in answer["agencies"]],
        )

    assert shown("2026-02-28T23:59:59Z") == (0, None, [])
    assert shown("2026-03-01T00:00:00Z") == (2, 0, ["dukcapil", "pupr"])
    assert shown("2026-04-01T07:00:00+07:00") == (1, pytest.approx(1 / 14), ["dukcapil"])
    assert shown("2026-06-01T00:00:00Z") == (0, None, [])
    assert catalog.get("/api/v1/catalog/summary", as_of="2026-06-01").status_code == 422
