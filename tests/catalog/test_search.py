"""Finding services by what people call them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.platform.database import WriteSession
from tests.conftest import Room
from tests.packs import agency, component, load, service, write_pack

SERVICES = [
    service(
        "pbg",
        agency="pupr",
        name="Persetujuan Bangunan Gedung (PBG)",
        name_en="Building approval",
        summary="Persetujuan untuk mendirikan bangunan.",
        common_names=["izin bangunan", "IMB"],
        life_events=["rumah"],
    ),
    service(
        "slf",
        agency="pupr",
        name="Sertifikat Laik Fungsi",
        name_en="Fitness certificate",
        summary="Bangunan gedung yang selesai boleh dipakai; IMB lama disertakan.",
    ),
    service(
        "akta-kelahiran",
        name="Akta Kelahiran",
        name_en="Birth certificate",
        common_names=["akte lahir", "KTP bayi"],
        life_events=["kelahiran"],
    ),
    service(
        "ktp-el",
        name="KTP Elektronik (KTP-el)",
        name_en="Electronic identity card",
        common_names=["KTP", "kartu tanda penduduk"],
        components={"persyaratan": component(items=["Fotokopi kartu keluarga"], sources=["law"])},
    ),
]


@pytest.fixture(scope="module")
def regency(shared_catalog: Room, tmp_path_factory: pytest.TempPathFactory) -> Room:
    load(shared_catalog, write_pack(tmp_path_factory.mktemp("pack"), SERVICES))
    return shared_catalog


def found(room: Room, query: str, **more: Any) -> list[str]:
    answer = room.get("/api/v1/services", query=query, **more)
    assert answer.status_code == 200, answer.text
    return [item["slug"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("izin bangunan", "pbg"),
        ("imb", "pbg"),
        ("IMB", "pbg"),
        ("cara mengurus akte lahir", "akta-kelahiran"),
        ("ktp", "ktp-el"),
        ("KTP-el", "ktp-el"),
        ("birth certificate", "akta-kelahiran"),
        ("building a house", "pbg"),
        ("fotokopi kartu keluarga", "ktp-el"),
        ("sertifikat", "slf"),
    ],
)
def test_people_find_what_they_mean(regency: Room, query: str, first: str) -> None:
    assert found(regency, query)[0] == first


def test_a_common_name_comes_before_a_service_that_only_mentions_it(regency: Room) -> None:
    assert found(regency, "imb") == ["pbg", "slf"]


def test_forms_of_an_indonesian_word_find_each_other(regency: Room) -> None:
    assert found(regency, "mendirikan") == found(regency, "pendirian")
    assert found(regency, "mendirikan")[0] == "pbg"
    assert found(regency, "penduduk")[0] == "ktp-el"


def test_the_beginning_of_a_word_is_enough(regency: Room) -> None:
    assert found(regency, "elektr") == ["ktp-el"]


def test_a_service_with_all_words_comes_before_one_with_some(regency: Room) -> None:
    assert found(regency, "sertifikat bangunan")[0] == "slf"


def test_a_match_of_all_words_in_the_name_ranks_before_one_in_the_description(
    catalog: Room, tmp_path: Path
) -> None:
    named = service(
        "z-pbb",
        name="PBB",
        summary="Penetapan tahunan.",
        components={"dasar_hukum": component(text=" ".join(f"pasal{n}" for n in range(400)))},
        common_names=["pajak bumi", "bayar PBB", "pajak hunian", "surat rumah"],
    )
    described = service(
        "air",
        name="Pajak Rumah Air",
        summary="Pembayaran pajak rumah: bayar pajak rumah di loket.",
        common_names=["pajak rumah air"],
    )
    load(catalog, write_pack(tmp_path, [described, named]))
    assert found(catalog, "bayar pajak rumah") == ["z-pbb", "air"]


def test_a_search_applies_its_filters(regency: Room) -> None:
    assert found(regency, "imb", agency="dukcapil") == []
    assert found(regency, "bangunan", life_event="rumah") == ["pbg"]
    assert found(regency, "bangunan", channel="online") == []


def test_what_a_question_says_it_does_not_mean_is_left_out(regency: Room) -> None:
    assert found(regency, "bukan akte lahir tapi ktp")[0] == "ktp-el"
    assert found(regency, "bukan ktp melainkan akte lahir")[0] == "akta-kelahiran"
    assert found(regency, "bukan ktp")[0] == "ktp-el"


def test_a_search_without_a_telling_word_finds_nothing(regency: Room) -> None:
    assert found(regency, "cara mengurus") == []
    assert found(regency, "!?") == []


def test_nothing_is_found_where_nothing_fits(regency: Room) -> None:
    assert found(regency, "helikopter") == []


def test_pages_of_a_search_hold_every_hit_once_and_in_order(catalog: Room, tmp_path: Path) -> None:
    services = [
        service(f"layanan-{n:02}", name=f"Izin {'keramaian ' * (n % 4)}{n}") for n in range(23)
    ]
    load(catalog, write_pack(tmp_path, services))
    whole = found(catalog, "izin keramaian", limit=100)
    assert len(whole) == 17  # a fourth has only the word that all have

    paged: list[str] = []
    address: str | None = "/api/v1/services?query=izin+keramaian&limit=5"
    while address is not None:
        page = catalog.get(address).json()
        paged += [item["slug"] for item in page["items"]]
        address = page["next"]
    assert paged == whole


def test_a_cursor_outside_the_hits_gives_an_empty_page(regency: Room) -> None:
    assert found(regency, "imb", cursor="ktp-el") == []


def test_a_query_with_a_nul_is_422_and_not_500(regency: Room) -> None:
    answer = regency.get("/api/v1/services?query=ktp%00")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "query"


@pytest.mark.parametrize(
    "query",
    ["'", "a'b", "\\", "ktp:*", "a & b | !c", "<->", "(", "%", "١٢", "İ", "ﬁ", "名", "e\u0301"],
)
def test_signs_of_the_query_language_are_only_text(regency: Room, query: str) -> None:
    found(regency, query)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=210))
def test_any_text_is_answered_200_or_422(regency: Room, query: str) -> None:
    answer = regency.get("/api/v1/services", query=query)
    assert answer.status_code in {200, 422}
    if any(sign < " " and sign not in "\t\n" for sign in query) or not 1 <= len(query) <= 200:
        assert answer.status_code == 422


def search_of(room: Room, query: str, **more: Any) -> dict[str, Any]:
    answer = room.get("/api/v1/services", query=query, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["search"]


def test_a_search_says_what_was_perhaps_meant(regency: Room) -> None:
    assert search_of(regency, "akte lahri")["corrected"] == "akta lahir"
    assert search_of(regency, "akte lahir")["corrected"] is None
    nearest = search_of(regency, "kerupuk helikopter bangunan zzz")["nearest"]
    assert nearest["slug"] in {"pbg", "slf"}
    assert regency.get(nearest["href"]).status_code == 200


def test_a_complaint_is_told_from_a_search(regency: Room) -> None:
    assert search_of(regency, "jalan rusak di desa")["complaint"]
    assert not search_of(regency, "ktp rusak")["complaint"]


def test_facets_count_what_their_parameters_find(regency: Room) -> None:
    facets = search_of(regency, "bangunan")["facets"]
    assert [one["value"] for one in facets["agency"]] == ["pupr"]
    for parameter in ("agency", "life_event", "channel"):
        values = facets[parameter]
        assert values, parameter
        for one in values:
            narrowed = regency.get(
                "/api/v1/services", query="bangunan", **{parameter: one["value"]}
            )
            assert narrowed.json()["total"] == one["count"]


def test_agencies_are_found_by_their_names(regency: Room) -> None:
    named = search_of(regency, "alamat kantor PUPR")["agencies"]
    assert [one["slug"] for one in named] == ["pupr"]
    assert regency.get(named[0]["href"]).json()["total"] == 2
    assert search_of(regency, "akte lahir")["agencies"] == []


def test_a_list_without_a_query_has_no_findings(regency: Room) -> None:
    assert "search" not in regency.get("/api/v1/services").json()


def test_a_search_finds_what_another_process_changed(catalog: Room, tmp_path: Path) -> None:
    load(catalog, write_pack(tmp_path / "1", [service("a", name="Izin Keramaian")]))
    assert found(catalog, "keramaian") == ["a"]

    async def rename(session: WriteSession) -> None:
        await session.execute(
            text(
                "UPDATE catalog.service SET version = version + 1, "
                """content = jsonb_set(content, '{name}', '"Surat Jalan Ternak"')"""
            )
        )

    catalog.store(rename)
    assert found(catalog, "keramaian") == []
    assert found(catalog, "ternak") == ["a"]
    load(catalog, write_pack(tmp_path / "2", [service("b", name="Izin Keramaian")]))
    assert found(catalog, "keramaian") == ["b"]
    assert found(catalog, "ternak") == []


def test_services_are_found_by_the_names_of_their_agency(catalog: Room, tmp_path: Path) -> None:
    services = [service("a", name="Surat Jalan")]
    load(catalog, write_pack(tmp_path, services))
    assert found(catalog, "perikanan") == []
    agencies = [agency("dukcapil", name="Dinas Perikanan"), agency("pupr")]
    load(catalog, write_pack(tmp_path, services, agencies=agencies))
    assert found(catalog, "perikanan") == ["a"]
