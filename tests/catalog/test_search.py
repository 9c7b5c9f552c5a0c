"""Finding services by what people call them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.catalog.search import (
    MAX_WORDS,
    STOP_WORDS,
    all_words,
    any_word,
    common_name_key,
    query_words,
)
from tests.conftest import Room
from tests.packs import component, load, service, write_pack

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
    assert found(regency, "mendirikan") == found(regency, "pendirian") == ["pbg"]
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
    assert len(whole) == 23

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
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=210))
def test_any_text_is_answered_200_or_422(regency: Room, query: str) -> None:
    answer = regency.get("/api/v1/services", query=query)
    assert answer.status_code in {200, 422}
    if any(sign < " " and sign not in "\t\n" for sign in query) or not 1 <= len(query) <= 200:
        assert answer.status_code == 422


@given(st.text())
def test_words_are_telling_lower_case_and_few(text: str) -> None:
    words = query_words(text)
    assert len(words) <= MAX_WORDS
    assert len(set(words)) == len(words)
    assert not STOP_WORDS & set(words)
    assert all(word.isalnum() or not word.isascii() for word in words)
    assert any_word(words).count("'") == 2 * len(words)
    assert all_words(words).count(" & ") == max(0, len(words) - 1)


@given(st.text())
def test_a_name_is_compared_the_same_however_it_is_written(text: str) -> None:
    key = common_name_key(text)
    assert common_name_key(key) == key
    assert common_name_key(f"  {text} - ") == key
