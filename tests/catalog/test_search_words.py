"""Words of questions: spelling, roots, typing errors, complaints."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.search.complaints import is_complaint
from services.catalog.search.language import root_of, standard_words
from services.catalog.search.synonyms import roots_of, synonyms_of
from services.catalog.search.typing_errors import SpellingIndex, distance, error_likelihood
from tests.toba.typing_errors import KINDS, with_one_error

WORDS = st.text(string.ascii_lowercase, min_size=3, max_size=14)


@pytest.mark.parametrize(
    ("written", "standard"),
    [
        ("IJIN", ["izin"]),
        ("praktek", ["praktik"]),
        ("Akte", ["akta"]),
        ("sertipikat", ["sertifikat"]),
        ("gak aktif", ["tidak", "aktif"]),
        ("nonaktif", ["tidak", "aktif"]),
        ("KTP-el", ["ktp", "el"]),
        ("café", ["cafe"]),
    ],
)
def test_a_word_has_one_spelling(written: str, standard: list[str]) -> None:
    assert standard_words(written) == standard


@pytest.mark.parametrize(
    "forms",
    [
        "lahir kelahiran melahirkan",
        "nikah menikah pernikahan",
        "izin perizinan perizinannya",
        "urus mengurus pengurusan diurus",
        "kirim mengirim pengiriman",
        "rawat perawat perawatan",
        "didik pendidikan",
        "ubah perubahan berubah mengubah",
        "baik perbaikan diperbaiki",
        "catat pencatatan tercatat",
        "sekolah sekolahnya",
        "kerja pekerjaan bekerja",
        "anak anakku",
        "alir mengalir ngalir",
        "lapor melapor ngelapor",
    ],
)
def test_forms_of_a_word_have_one_root(forms: str) -> None:
    root, *others = forms.split()
    assert {root_of(word) for word in (root, *others)} == {root}


@pytest.mark.parametrize(
    ("one", "other"),
    [("dinas", "din"), ("rumah", "rum"), ("penduduk", "duduk"), ("meninggal", "tinggal")],
)
def test_words_that_only_look_like_forms_stay_apart(one: str, other: str) -> None:
    assert root_of(one) != root_of(other)


@given(st.text(max_size=40))
def test_a_root_is_never_empty_or_longer(text: str) -> None:
    for word in standard_words(text):
        assert 0 < len(root_of(word)) <= len(word)


@given(WORDS)
def test_a_word_with_one_error_is_corrected(word: str) -> None:
    index = SpellingIndex({word: 1.0, "kependudukan": 1.0})
    for kind, changed in with_one_error(word):
        assert kind in KINDS
        if changed != word and len(changed) >= 3:
            assert word in {one.word for one in index.corrections(changed, most=5)}


@pytest.mark.parametrize(
    ("typed", "meant", "unlikelier"),
    [
        ("kaartu", "kartu", "kantu"),  # a doubled letter before a replaced one
        ("krtu", "kartu", "kitu"),
        ("kattu", "kartu", "kaptu"),  # r stands beside t
        ("ijasah", "ijazah", "ijapah"),  # s sounds like z
    ],
)
def test_likely_errors_are_preferred(typed: str, meant: str, unlikelier: str) -> None:
    assert error_likelihood(typed, meant) > error_likelihood(typed, unlikelier)


def test_two_errors_are_not_one() -> None:
    assert error_likelihood("kratu", "kartu") > 0
    assert error_likelihood("krrtv", "kartu") == 0
    assert error_likelihood("kart", "kartuu") == 0


def test_synonyms_hold_in_both_directions_and_leads_in_one() -> None:
    def leads(one: str, other: str) -> bool:
        return roots_of(other) in {synonym.roots for synonym in synonyms_of(roots_of(one))}

    assert leads("wafat", "meninggal")
    assert leads("meninggal", "wafat")
    assert leads("campak", "imunisasi")
    assert not leads("imunisasi", "campak")


@pytest.mark.parametrize(
    "question",
    ["jalan rusak", "lampu jalan gelap", "pungli", "got mampet bau", "air pdam tidak mengalir"],
)
def test_a_fault_of_a_public_thing_is_a_complaint(question: str) -> None:
    assert is_complaint(roots_of(question))


@pytest.mark.parametrize(
    "question",
    ["ktp rusak", "lapor kematian", "izin jalan", "angkut sampah", "surat pindah sekolah"],
)
def test_a_request_for_a_service_is_no_complaint(question: str) -> None:
    assert not is_complaint(roots_of(question))


def test_a_long_word_with_two_errors_is_corrected_if_nothing_is_nearer() -> None:
    index = SpellingIndex({"kendaraan": 1.0, "kelahiran": 1.0, "hilang": 1.0})
    for written, meant in [("kendraqn", "kendaraan"), ("kelaihrann", "kelahiran")]:
        assert [one.word for one in index.corrections(written, most=5, errors=2)] == [meant]
        assert index.corrections(written, most=5) == []
    assert index.corrections("hilnga", most=5, errors=2) == []


@given(WORDS)
def test_one_error_is_a_distance_of_one(word: str) -> None:
    assert distance(word, word) == 0
    for _, changed in with_one_error(word):
        assert distance(changed, word) == (changed != word)
        assert distance(word, changed) == (changed != word)
