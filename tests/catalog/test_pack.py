"""The catalogue of a pack: every fault is named with its place, and loading is repeatable."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.catalog.pack import load_catalog, read_catalog
from services.platform.database import WriteSession
from services.platform.packs import PackError
from tests.conftest import TOBA, Room
from tests.packs import NOW, agency, component, load, service, write_pack, write_yaml


def faults_of(root: Path) -> list[str]:
    with pytest.raises(PackError) as caught:
        read_catalog(root)
    return [str(fault) for fault in caught.value.issues]


def replace(file: Path, old: str, new: str) -> None:
    content = file.read_text(encoding="utf-8")
    assert content.count(old) == 1
    file.write_text(content.replace(old, new), encoding="utf-8")


def line_with(file: Path, part: str) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if part in line)


def test_an_unknown_field_is_named_with_file_and_line(tmp_path: Path) -> None:
    root = write_pack(tmp_path, [service("akta"), service("ktp", sumary="x")])
    line = line_with(root / "services" / "all.yaml", "sumary")
    assert faults_of(root) == [
        f"services/all.yaml:{line}: services[1].sumary: Extra inputs are not permitted (found 'x')"
    ]


def test_a_missing_field_is_reported_at_its_item(tmp_path: Path) -> None:
    broken = service("akta")
    del broken["summary"]
    root = write_pack(tmp_path, [broken])
    assert faults_of(root) == ["services/all.yaml:2: services[0].summary: Field required"]


def test_a_field_of_the_wrong_type_is_named(tmp_path: Path) -> None:
    root = write_pack(tmp_path, [service("akta", common_names="akta lahir")])
    [fault] = faults_of(root)
    line = line_with(root / "services" / "all.yaml", "common_names")
    assert fault.startswith(f"services/all.yaml:{line}: services[0].common_names: ")
    assert "valid list" in fault


def test_a_component_outside_the_service_standard_is_named(tmp_path: Path) -> None:
    root = write_pack(tmp_path, [service("akta", components={"biaya": component()})])
    [fault] = faults_of(root)
    line = line_with(root / "services" / "all.yaml", "biaya")
    assert fault.startswith(f"services/all.yaml:{line}: services[0].components.biaya: ")


def test_a_key_that_stands_twice_is_named_at_its_second_line(tmp_path: Path) -> None:
    root = write_pack(tmp_path, [service("akta")])
    file = root / "services" / "all.yaml"
    replace(file, "  digital: false\n", "  digital: false\n  digital: true\n")
    line = line_with(file, "digital: true")
    assert faults_of(root) == [
        f"services/all.yaml:{line}: services[0].digital: is duplicated; remove one"
    ]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"agency": "dishub"}, "agency", "there is no agency 'dishub' in this pack"),
        (
            {"life_events": ["rumah", "pensiun"]},
            "life_events[1]",
            "there is no life event 'pensiun' in this pack",
        ),
        (
            {"digital": True, "channels": [{"kind": "online", "link": "oss"}]},
            "channels[0].link",
            "there is no link 'oss' in this pack",
        ),
        ({"sources": ["koran"]}, "sources[0]", "there is no source 'koran' in this pack"),
        (
            {"components": {"biaya_tarif": component(sources=["law", "koran"])}},
            "components.biaya_tarif.sources[1]",
            "there is no source 'koran' in this pack",
        ),
    ],
)
def test_a_reference_to_nothing_is_named(
    tmp_path: Path, change: dict[str, Any], field: str, message: str
) -> None:
    root = write_pack(tmp_path, [service("akta", **change)])
    [fault] = faults_of(root)
    file, line, named, *said = fault.split(": ")[0].split(":") + fault.split(": ")[1:]
    assert (file, named, said) == ("services/all.yaml", f"services[0].{field}", [message])
    assert int(line) > 1


def test_services_name_general_components_by_their_slug(tmp_path: Path) -> None:
    of_pack = {"slug": "aduan", "component": "penanganan_pengaduan"} | component()
    own = component(text="Sehari.")
    standard = {"penanganan_pengaduan": "aduan", "jangka_waktu": own}
    root = write_pack(tmp_path, [service("akta", components=standard)])
    write_yaml(root / "general-components.yaml", {"general_components": [of_pack]})
    [read] = read_catalog(root).services
    assert read.components["penanganan_pengaduan"].text == "Tertulis."
    assert {code: part.general for code, part in read.components.items()} == {
        "penanganan_pengaduan": True,
        "jangka_waktu": False,
    }


def test_a_general_component_that_does_not_fit_is_named(tmp_path: Path) -> None:
    of_pack = {"slug": "aduan", "component": "penanganan_pengaduan"} | component()
    standard = {"jangka_waktu": "aduan", "penanganan_pengaduan": "adan"}
    root = write_pack(tmp_path, [service("akta", components=standard)])
    write_yaml(root / "general-components.yaml", {"general_components": [of_pack]})
    found = [fault.split(": ", 1)[1] for fault in faults_of(root)]
    assert found == [
        "services[0].components.jangka_waktu: 'aduan' is a penanganan_pengaduan",
        "services[0].components.penanganan_pengaduan: "
        "there is no general component 'adan' in this pack",
    ]
    write_yaml(
        root / "general-components.yaml", {"general_components": [of_pack | {"sources": ["none"]}]}
    )
    [fault] = faults_of(root)
    assert fault.endswith("sources[0]: there is no source 'none' in this pack")


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    services = [service("akta", agency="dishub"), service("ktp", sources=["koran"])]
    root = write_pack(tmp_path, services, agencies=[agency("dukcapil", sources=["koran"])])
    assert len(faults_of(root)) == 3


def test_text_that_is_not_utf_8_is_named_with_its_line(tmp_path: Path) -> None:
    root = write_pack(tmp_path, [service("akta")])
    file = root / "services" / "all.yaml"
    file.write_bytes(file.read_bytes().replace(b"Diurus", b"Di\xfcrus"))
    line = line_with_bytes(file, b"Di\xfcrus")
    assert faults_of(root) == [
        f"services/all.yaml:{line}: (file): must be UTF-8: invalid start byte"
    ]


def line_with_bytes(file: Path, part: bytes) -> int:
    lines = file.read_bytes().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if part in line)


def test_what_is_not_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    root = write_pack(tmp_path)
    (root / "agencies.yaml").write_text("agencies:\n- slug: [\n", encoding="utf-8")
    [fault] = faults_of(root)
    assert fault.startswith("agencies.yaml:3: (file): ")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    root = write_pack(tmp_path)
    (root / "life-events.yaml").unlink()
    assert faults_of(root) == ["life-events.yaml:1: (file): is missing; see docs/packs.md"]


@pytest.mark.parametrize("content", ["", "[]", "agencies: 3", "text"])
def test_a_file_of_another_shape_is_a_fault_and_no_crash(tmp_path: Path, content: str) -> None:
    for name in ("sources", "agencies", "life-events", "links"):
        root = write_pack(tmp_path)
        (root / f"{name}.yaml").write_text(content, encoding="utf-8")
        assert faults_of(root)[0].startswith(f"{name}.yaml:1: ")


def test_two_agencies_of_one_name_are_a_fault(tmp_path: Path) -> None:
    root = write_pack(tmp_path, agencies=[agency("pupr"), agency("dukcapil"), agency("pupr")])
    [fault] = faults_of(root)
    assert fault.endswith("agencies[2].slug: 'pupr' is already defined in line 2")


def test_two_services_of_one_name_are_a_fault_even_in_two_files(tmp_path: Path) -> None:
    root = write_pack(tmp_path, [service("akta")])
    write_yaml(root / "services" / "more.yaml", {"services": [service("akta")]})
    assert faults_of(root) == [
        "services/more.yaml:2: services[0].slug: stands in services/all.yaml already"
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"digital": True}, "digital: must be false, to match the channels"),
        (
            {"channels": [{"kind": "counter", "link": "simbg"}]},
            "channels[0].link: is only of an online channel; leave it out",
        ),
    ],
)
def test_fields_that_contradict_each_other_are_a_fault(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    [fault] = faults_of(write_pack(tmp_path, [service("akta", **change)]))
    assert fault.endswith(message)


def test_loading_a_pack_twice_changes_nothing_the_second_time(
    catalog: Room, tmp_path: Path
) -> None:
    root = write_pack(tmp_path, [service("akta"), service("ktp")])
    changes = [str(change) for change in load(catalog, root)]
    assert changes[-2:] == ["+ service akta", "+ service ktp"]
    before = everything(catalog)
    assert load(catalog, root) == []
    assert everything(catalog) == before


def everything(catalog: Room) -> dict[str, list[Any]]:
    """All rows with the transactions that wrote them."""
    tables = ("agency", "life_event", "service", "service_version", "source")
    return {
        table: catalog.store(
            lambda session, table=table: rows(session, f"SELECT xmin, * FROM catalog.{table}")
        )
        for table in tables
    }


async def rows(session: WriteSession, statement: str) -> list[Any]:
    return [tuple(map(str, row)) for row in await session.execute(text(statement))]


def change_and_load(
    catalog: Room, root: Path, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> list[str]:
    load(catalog, write_pack(root, [service("akta"), service("ktp")]))
    write_pack(root, [change(service("akta")), service("ktp")])
    return [str(change) for change in load(catalog, root)]


def test_a_changed_service_is_reported_with_its_changed_fields(
    catalog: Room, tmp_path: Path
) -> None:
    changes = change_and_load(
        catalog, tmp_path, lambda akta: akta | {"summary": "Baru.", "common_names": ["surat lahir"]}
    )
    assert changes == ["~ service akta (common_names, summary)"]


def test_an_agency_that_is_renamed_is_found_by_its_new_name(catalog: Room, tmp_path: Path) -> None:
    load(catalog, write_pack(tmp_path, [service("akta")]))
    renamed = [agency("dukcapil", name="Dinas Catatan Penduduk"), agency("pupr")]
    write_pack(tmp_path, [service("akta")], agencies=renamed)
    assert [str(change) for change in load(catalog, tmp_path)] == ["~ agency dukcapil (name)"]
    found = catalog.get("/api/v1/services", query="catatan").json()["items"]
    assert [item["slug"] for item in found] == ["akta"]


def test_an_agency_leaves_together_with_its_services(catalog: Room, tmp_path: Path) -> None:
    load(catalog, write_pack(tmp_path, [service("akta"), service("pbg", agency="pupr")]))
    write_pack(tmp_path, [service("akta")], agencies=[agency("dukcapil")])
    assert [str(change) for change in load(catalog, tmp_path)] == [
        "- service pbg",
        "- agency pupr",
    ]
    agencies = catalog.get("/api/v1/agencies").json()["items"]
    assert [item["slug"] for item in agencies] == ["dukcapil"]


def test_a_load_that_fails_leaves_nothing(catalog: Room, tmp_path: Path) -> None:
    pack = read_catalog(write_pack(tmp_path, [service("akta")]))

    async def load_and_fail(session: WriteSession) -> None:
        await load_catalog(session, catalog.settings.region, pack, now=NOW)
        raise RuntimeError("the power is gone")

    with pytest.raises(RuntimeError):
        catalog.store(load_and_fail)
    assert catalog.get("/api/v1/agencies").json()["items"] == []


def test_the_pack_of_toba_has_no_faults() -> None:
    pack = read_catalog(TOBA)
    assert len(pack.agencies) > 20
    assert {item.agency for item in pack.services} <= {item.slug for item in pack.agencies}
