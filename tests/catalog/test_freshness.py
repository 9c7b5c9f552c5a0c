"""The queue of services whose record is to be checked."""

from pathlib import Path
from typing import Any

from tests.conftest import Room
from tests.packs import component, load, service, write_pack

PATH = "/api/v1/catalog/freshness"


def test_what_nobody_assures_comes_first_then_what_ends_first(
    catalog: Room, tmp_path: Path
) -> None:
    parts = {
        "persyaratan": component(checked_on="2026-05-01", checked_by="dukcapil"),
        "biaya_tarif": component(),
    }
    load(
        catalog,
        write_pack(
            tmp_path,
            [
                service("akta", assured_until="2999-01-01", components=parts),
                service("kia", assured_until="2020-01-01", owner="Bidang"),
                service("ktp", agency="pupr"),
                service("kk"),
            ],
        ),
    )

    def slugs(**query: Any) -> list[str]:
        return [item["slug"] for item in catalog.get(PATH, **query).json()["items"]]

    assert slugs() == ["kk", "ktp", "kia", "akta"]
    assert slugs(is_due="true", agency="dukcapil") == ["kk", "kia"]
    assert slugs(is_due="false") == ["akta"]
    assert slugs(cursor="ktp", limit=1) == ["kia"]
    akta = catalog.get(PATH, is_due="false").json()["items"][0]
    assert (akta["components"], akta["unchecked"], akta["oldest_check"]) == (2, 1, "2026-05-01")
