"""Reports from evidence in memory: what they tell, and that no text becomes markup."""

import re
from io import BytesIO
from typing import Any, cast

import pytest
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from services.assessment.network import ties
from services.assessment.reports.composition import compose
from services.assessment.reports.gaps import gaps_of, indicators_of
from services.assessment.reports.html import to_html
from services.assessment.reports.pdf import to_pdf
from services.assessment.reports.report import TrendYear
from services.assessment.scoring.items import Item
from services.assessment.scoring.sensitivity import analyse_sensitivity
from services.assessment.scoring.tree import index_of
from tests.assessment.evidence_builders import (
    agreement,
    index_value,
    meeting,
    stakeholder,
    survey,
    toba_items,
)
from tests.assessment.report_builders import method, report_of, shown, stored, words_of, written
from tests.assessment.test_assess import CATALOG


def toba() -> list[Item]:
    """Return the evidence of the Toba pack with the report of its catalogue."""
    return [*toba_items(), CATALOG]


NOT_WORDS = re.compile(r"\b(None|nan|inf|null|True|False)\b")

NASTY = (
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "#panic() #let x = 1",
    "*tebal* _miring_ $x^2$ `kode` <label> @rujukan",
    '"kutip" \\ garis ]} /* komentar */ // akhir',
    "{{ 7 * 7 }} {% raw %}",
)


@pytest.fixture(scope="module")
def toba_pdf() -> bytes:
    whole = stored(toba())
    sensitivity = analyse_sensitivity(whole.method, whole.facts, seed=1)
    return to_pdf(compose(report_of(toba(), sensitivity=sensitivity)))


def test_the_strongest_and_the_weakest_elements_are_named_and_none_is_both() -> None:
    report = report_of(toba())
    strong = [element.value for element in report.strengths]
    weak = [element.value for element in report.weaknesses]
    assert len(strong) == len(weak) == 3
    assert None not in (*strong, *weak)
    assert not {e.code for e in report.strengths} & {e.code for e in report.weaknesses}
    others = [one.value for one in report.elements if one.value is not None]
    assert strong == sorted(others, reverse=True)[:3]
    assert weak == sorted(others)[:3]


def test_every_indicator_without_evidence_is_a_gap_with_what_is_needed_and_who_has_it() -> None:
    nothing = stored([])
    gaps = gaps_of(nothing.method, nothing.scores)
    assert {gap.code for gap in gaps} == {one.code for one in method().indicators()}
    assert all(gap.needed and gap.source for gap in gaps)
    some = stored(toba())
    left = {gap.code for gap in gaps_of(some.method, some.scores)}
    assert left == {one.code for _, one in indicators_of(some.scores) if one.value is None}


def test_gaps_for_which_an_element_has_no_value_come_first() -> None:
    whole = stored(toba())
    first = [gap.element_is_null for gap in gaps_of(whole.method, whole.scores)]
    assert True in first
    assert first == sorted(first, reverse=True)


def test_a_year_without_evidence_is_described_and_nothing_is_zero() -> None:
    page = shown(written([]))
    text = " ".join(page.words)
    count = sum(1 for _ in index_of(method()).indicators())
    assert f"belum dapat diperkirakan: bukti baru ada untuk 0 dari {count} indikator (0%)" in text
    assert "Ini bukan penurunan" in text
    assert "Yang pertama-tama diperlukan ialah bukti tentang" in text
    values = {text for (_, field), texts in page.figures.items() for text in texts
              if field == "value"}  # fmt: skip
    assert values == {"–"}


def test_each_element_stands_under_one_word_and_those_without_evidence_under_their_own() -> None:
    text = " ".join(shown(written(toba())).words)
    assert "Bukti belum cukup (4 dari 12 unsur): legitimasi internal, komitmen" in text
    counts = re.findall(r"\((\d+) dari 12 unsur\)", text)
    assert sum(map(int, counts)) == 12


def test_the_way_to_the_target_begins_at_the_last_value_that_was_published_by_then() -> None:
    values = [index_value(2023, 2.16), index_value(2024, 2.98),
              index_value(2026, 3.39, role="target")]  # fmt: skip
    [of_2023] = report_of(values, period=2023).indices
    assert of_2023.path is not None
    assert (of_2023.path.first_year, of_2023.path.first_value) == (2023, 2.16)
    assert [step.value for step in of_2023.path.steps] == [2.57, 2.98, 3.39]
    assert [one.year for one in of_2023.values] == [2023, 2026]
    [of_2024] = report_of(values, period=2024).indices
    assert of_2024.path is not None
    assert [step.value for step in of_2024.path.steps] == [3.185, 3.39]


def test_verdicts_of_the_study_and_actions_with_their_gain_are_shown() -> None:
    text = " ".join(shown(written(toba_items())).words)
    assert "Dari 16 putusan" in text
    assert "kappa Cohen berbobot linear" in text
    assert "Studi, pembahasan deliberasi." in text
    assert "Nyatakan daftar rapat lengkap untuk tahun ini" in text
    assert "Tanda tangani satu perjanjian lagi" in text


def test_the_steps_to_the_target_are_stated_though_levels_are_not_published() -> None:
    text = " ".join(shown(written(toba_items())).words)
    assert "sedikitnya 14 kenaikan satu tingkat; 17 cukup" in text
    assert "32 cukup, indikator mana pun yang naik" in text


def test_both_predicates_of_a_published_value_are_shown_if_they_differ() -> None:
    text = " ".join(shown(written(toba())).words)
    assert "Nilai 1,69 tahun 2021 tercetak sebagai “Cukup”" in text
    assert "termasuk “Kurang”" in text


def test_a_change_of_the_method_is_marked_in_the_trend() -> None:
    scores = stored(toba()).scores
    dimensions = list(scores.dimensions)
    trend = [
        TrendYear(period=year, provisional=False, method_version=1, method_changed=changed,
                  index=scores.index, dimensions=list(dimensions), comparison=None)
        for year, changed in ((2022, False), (2023, True), (2024, False))
    ]  # fmt: skip
    document = compose(report_of(toba(), trend=trend))
    [section] = [one for one in document.sections if one.title == "Perkembangan antartahun"]
    text = section.model_dump_json()
    assert "Sejak tahun 2023 versi metode berganti" in text
    assert '"2023*"' in text
    assert text.count("metode berganti</text>") == 1


def test_the_network_is_reported_in_counts_without_names() -> None:
    people = [stakeholder("kepala-dinas-x"), stakeholder("yayasan-y", sector="community")]
    report = report_of([*people, agreement("nota", ["kepala-dinas-x", "yayasan-y"])])
    assert report.network.measures is not None
    assert report.network.measures.ties == 1
    assert report.network.picture is not None
    assert "kepala-dinas-x" not in report.network.picture
    unknown = " ".join(shown(written([meeting("rapat")])).words)
    assert "jejaring belum dapat diukur" in unknown


@pytest.mark.slow
def test_no_text_of_evidence_becomes_markup() -> None:
    """One report with all of them: setting a page takes longer than all else here."""
    together = " ".join(NASTY)
    document = written([meeting("rapat", problem_statement="ada", note=together)], name=together)
    page = shown(document)
    assert not page.tags & {"script", "label"}
    assert page.tags == shown(written([meeting("rapat", problem_statement="ada")])).tags
    plain = words_of(to_pdf(document)).replace(" ", "").replace("\u200b", "")
    for text in NASTY:
        assert any(text in word for word in page.words), text
        assert text.replace(" ", "") in plain, text


@pytest.mark.slow
def test_a_letter_that_no_font_has_stands_as_a_box_and_the_report_comes() -> None:
    pdf = to_pdf(written(toba(), name="Kabupaten 東京 😀"))
    assert "indikator" in words_of(pdf)


@pytest.mark.slow
def test_the_same_report_gives_the_same_bytes_of_pdf() -> None:
    document = written(toba())
    assert to_pdf(document) == to_pdf(document)


@pytest.mark.slow
def test_the_pdf_has_the_headline_and_only_words(toba_pdf: bytes) -> None:
    text = words_of(toba_pdf)
    index = stored(toba()).scores.index
    assert f"tahun 2024 diperkirakan {index.value:.0f} dari 100" in text
    assert "Kabupaten Toba" in text
    assert not NOT_WORDS.search(text)
    assert not NOT_WORDS.search(" ".join(shown(written(toba())).words))


@pytest.mark.slow
def test_every_page_of_the_pdf_has_text_and_its_number(toba_pdf: bytes) -> None:
    pages = PdfReader(BytesIO(toba_pdf)).pages
    assert 6 <= len(pages) <= 14
    for number, page in enumerate(pages, start=1):
        text = page.extract_text()
        assert f"Halaman {number} dari {len(pages)}" in text
        assert len(text) > 100, number


def test_the_pdf_can_be_read_aloud_and_brings_its_fonts(toba_pdf: bytes) -> None:
    reader = PdfReader(BytesIO(toba_pdf))
    root = cast("dict[str, Any]", reader.trailer["/Root"])
    assert root["/Lang"].startswith("id")
    assert root["/MarkInfo"]["/Marked"]
    assert "pdfuaid" in reader.xmp_metadata.stream.get_data().decode()  # pyright: ignore[reportOptionalMemberAccess]
    assert reader.metadata is not None
    assert reader.metadata.title == "Laporan Dinamika Kolaborasi Tahun 2024, Kabupaten Toba"
    fonts = [
        font
        for page in reader.pages
        for font in cast("dict[str, Any]", page["/Resources"]).get("/Font", {}).values()
    ]
    assert fonts
    for font in fonts:
        [descendant] = font.get_object()["/DescendantFonts"]
        descriptor: DictionaryObject = descendant.get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & set(descriptor)


@pytest.mark.slow
def test_a_word_that_fits_no_cell_is_broken_and_stays_on_the_page() -> None:
    document = written([meeting("rapat", problem_statement="ada", note="x" * 400)])
    for page in PdfReader(BytesIO(to_pdf(document))).pages:
        lines: list[float] = []

        def seen(text: str, _: Any, matrix: Any, *more: Any, lines: list[float] = lines) -> None:
            if "x" in text:
                lines.append(matrix[4] + 4 * len(text.strip()))

        page.extract_text(visitor_text=seen)
        assert all(right < float(page.mediabox.width) for right in lines)


def test_the_satisfaction_of_the_year_has_its_grade_and_its_interval() -> None:
    reported = {"ikm": 91.48, "grade": "A", "low": 88.1, "high": 94.2, "n": 29}
    document = written([survey("skm", 29, {}, satisfaction=reported)])
    text = " ".join(shown(document).words)
    assert (
        "Indeks Kepuasan Masyarakat (survei skm): 91,48, mutu A, dengan rentang 95% 88,10–94,20 "
        "dari 29 responden."
    ) in text
    assert "belum ada hasil survei" in " ".join(shown(written([])).words)


def test_a_satisfaction_index_without_an_interval_says_that_its_error_is_not_estimated() -> None:
    reported = {"ikm": 91.48, "grade": "A", "low": None, "high": None, "n": 29}
    document = written([survey("skm", 29, {}, satisfaction=reported)])
    text = " ".join(shown(document).words)
    assert (
        "Indeks Kepuasan Masyarakat (survei skm): 91,48, mutu A, dari 29 responden; galatnya tidak "
        "diperkirakan."
    ) in text


def test_actions_take_the_place_of_single_changes() -> None:
    found = report_of(toba())
    assert found.changes == []
    gains = [lever.index.proven.worst for lever in found.levers]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 0


def test_a_network_too_large_to_compute_is_named_so_in_the_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ties, "MAX_STAKEHOLDERS", 20)
    found = report_of(toba())
    assert found.network.too_large
    assert found.network.measures is None
    assert "lebih besar daripada yang dihitung" in to_html(compose(found), files={})
    assert "Tidak ada bukti tahun ini yang menyebut" not in to_html(compose(found), files={})
