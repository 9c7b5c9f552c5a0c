"""`emall pack new`: a pack for each regency of North Sumatra, and a hub that runs with one."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
import yaml
from starlette.testclient import TestClient
from typer.testing import CliRunner

from services.catalog.records import AgencyFile, PlaceFile
from services.cli.app import app
from services.cli.keys import find_leading_agency
from services.cli.new_pack import (
    Record,
    Regency,
    list_regencies,
    new_pack_contents,
    write_new_pack,
    write_register,
)
from services.cli.pack_loader import load_pack, read_pack
from services.gateway.app import create_app
from services.gateway.regency.districts import read_districts
from services.platform.packs import Pack, SourceFile
from services.platform.settings import Settings
from tests.conftest import TOBA

pytestmark = pytest.mark.slow

NORTH_SUMATRA = list_regencies("12")
SAMOSIR = next(regency for regency in NORTH_SUMATRA if regency.code == "12.17")


PAGES = (
    *("/", "/layanan", "/layanan/pbg", "/peristiwa/kelahiran-anak", "/cari?q=ktp", "/pengumuman"),
    *("/survei", "/aduan", "/dasbor", "/instansi", "/status", "/privasi", "/tentang"),
)
SHARED = ("services/", "surveys/", "links", "life-events", "document-types", "general-components")
"""Files that say the same in every regency, but for its name."""


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Begin the pack of a regency and of a city."""
    folder = tmp_path_factory.mktemp("packs")
    written = [regency for regency in NORTH_SUMATRA if regency.code in ("12.17", "12.71")]
    for regency in written:
        write_new_pack(regency, folder / regency.slug)
    return {regency.code: folder / regency.slug for regency in written}


def shared_content(regency: Regency, contents: dict[str, Record]) -> str:
    shared = {name: content for name, content in contents.items() if name.startswith(SHARED)}
    assert len(shared) > 30
    return json.dumps(shared, default=str).replace(regency.name, "NAME")


def test_each_regency_of_north_sumatra_gets_a_valid_pack(
    packs: dict[str, Path], tmp_path: Path
) -> None:
    assert len(NORTH_SUMATRA) == len({regency.slug for regency in NORTH_SUMATRA}) == 33
    by_code = {regency.code: regency for regency in NORTH_SUMATRA}
    # What is the same in all is validated once, for a regency and for a city.
    checked: dict[bool, str] = {}
    for code, pack in packs.items():
        read_pack(pack)
        checked[by_code[code].is_city] = shared_content(
            by_code[code], new_pack_contents(by_code[code])
        )
    for regency in NORTH_SUMATRA:
        contents = new_pack_contents(regency)
        assert shared_content(regency, contents) == checked[regency.is_city], regency
        head = Pack.model_validate(contents["pack.yaml"])
        assert (head.region, head.name) == (regency.code, regency.name)
        assert head.province == "Sumatera Utara"
        AgencyFile.model_validate(contents["agencies.yaml"])
        PlaceFile.model_validate(contents["places.yaml"])
        SourceFile.model_validate(contents["sources.yaml"])
        write_register(regency, tmp_path)
        assert read_districts(tmp_path), regency


def test_a_new_pack_says_nothing_of_the_regency_whose_pack_it_is_taken_from(
    packs: dict[str, Path],
) -> None:
    own = {"study-2025", "website-toba", "wilayah-12-12"}
    for code in ("12.17", "12.71"):
        for file in packs[code].rglob("*.yaml"):
            content = file.read_text()
            if file.name == "sources.yaml":
                # The questionnaires come from a study, whichever regency it looked at.
                sources = yaml.safe_load(content)["sources"]
                assert own & {source["id"] for source in sources} == {"study-2025"}
            else:
                assert "Toba" not in content, file
                assert "Balige" not in content, file
    city = (packs["12.71"] / "surveys" / "awareness.yaml").read_text()
    assert "kota ini memiliki e-Mall" in city
    toba = {agency["slug"]: agency for agency in _yaml(TOBA / "agencies.yaml")["agencies"]}
    new = {agency["slug"]: agency for agency in _yaml(packs["12.17"] / "agencies.yaml")["agencies"]}
    assert "rsud-porsea" in toba
    assert "rsud-porsea" not in new
    assert "Kabupaten Samosir belum dipastikan" in new["kantor-imigrasi"]["note"]


def _yaml(file: Path) -> dict[str, list[dict[str, str]]]:
    return yaml.safe_load(file.read_text())


def test_zones_and_codes_outside_the_register(tmp_path: Path) -> None:
    jayapura = next(regency for regency in list_regencies("91") if regency.code == "91.71")
    write_new_pack(jayapura, tmp_path / jayapura.slug)
    assert read_pack(tmp_path / "kota-jayapura").regency.timezone == "Asia/Jayapura"
    assert {regency.code for regency in list_regencies()} >= {"11.01", "73.71"}
    assert len(list_regencies()) == 514
    refused = CliRunner().invoke(app, ["pack", "new", "12.99", "--folder", str(tmp_path)])
    assert refused.exit_code == 1
    assert "12.99" in refused.stderr
    again = CliRunner().invoke(app, ["pack", "new", "91.71", "--folder", str(tmp_path)])
    assert again.exit_code == 1
    assert "exists already" in again.stderr


def test_check_names_each_gap_and_what_the_methods_read(packs: dict[str, Path]) -> None:
    said = CliRunner().invoke(app, ["pack", "check", str(packs["12.17"])])
    assert said.exit_code == 0, said.output
    lines = said.stdout.splitlines()
    assert "belum diisi: kode BPS (pack.yaml, statistics_code)" in lines
    assert (
        "belum diisi: alamat, jam buka, nomor telepon Kantor Disdukcapil "
        "(places.yaml, kantor-dukcapil: address, hours, telephone)" in lines
    )
    assert "cgr-2015: ada: survei awareness (surveys/*.yaml, slug: awareness)" in lines
    assert (
        "cgr-2015: belum diisi: pengamatan programmes_running "
        "(evidence/observations.yaml, subject: programmes_running)" in lines
    )
    toba = CliRunner().invoke(app, ["pack", "check", str(TOBA)]).stdout.splitlines()
    assert any("cgr-2015: ada: pengamatan programmes_running" in line for line in toba)


def test_a_hub_runs_with_a_new_pack_and_says_what_is_not_known(
    packs: dict[str, Path], empty: Settings
) -> None:
    settings = empty.model_copy(update={"region": SAMOSIR.code})
    assert asyncio.run(load_pack(settings, packs[SAMOSIR.code]))
    assert asyncio.run(load_pack(settings, packs[SAMOSIR.code])) == []
    with TestClient(create_app(settings)) as client:
        for path in PAGES:
            answer = client.get(path, headers={"Accept": "text/html"})
            assert answer.status_code == 200, (path, answer.text)
            assert "Kabupaten Samosir" in answer.text, path
            assert "Kabupaten Toba" not in answer.text, path
        card = client.get("/layanan/ktp-el").text
        assert "Tidak dipungut biaya" in card
        assert "belum dipastikan" in card
        assert "belum dipublikasikan" in card.lower()


def test_the_leading_agency_is_the_one_that_the_pack_names_or_the_first(
    packs: dict[str, Path], tmp_path: Path, empty: Settings
) -> None:
    settings = empty.model_copy(update={"region": SAMOSIR.code})
    assert asyncio.run(find_leading_agency(settings)) is None
    pack = tmp_path / "samosir"
    shutil.copytree(packs[SAMOSIR.code], pack)
    head = yaml.safe_load((pack / "pack.yaml").read_text("utf-8"))
    agencies = yaml.safe_load((pack / "agencies.yaml").read_text("utf-8"))["agencies"]
    first = min(agency["slug"] for agency in agencies)
    for lead, expected in ((None, first), ("dukcapil", "dukcapil")):
        named = {} if lead is None else {"lead_agency": lead}
        contents = {key: value for key, value in head.items() if key != "lead_agency"} | named
        (pack / "pack.yaml").write_text(yaml.safe_dump(contents, allow_unicode=True), "utf-8")
        asyncio.run(load_pack(settings, pack))
        assert asyncio.run(find_leading_agency(settings)) == expected
