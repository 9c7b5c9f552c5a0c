"""Reports over HTTP: every figure is the API's, in each form, and a report never changes."""

import csv
import io
import math
import re
from typing import Any
from uuid import uuid4

import pytest

from services.assessment.reports.html import CONTENT_SECURITY_POLICY
from services.assessment.reports.wording import number, range_text, whole
from services.platform.service import API
from services.platform.spreadsheets.model import XLSX, Sheet, Table
from services.platform.spreadsheets.reading import read_workbook
from tests.assessment.report_builders import Shown, words_of
from tests.assessment.test_assessments import nodes
from tests.conftest import Hub

QUICK = {"period": 2024, "draws": 500}
FORMS = {"html": "text/html", "pdf": "application/pdf", "xlsx": XLSX}


def store(hub: Hub, **wanted: Any) -> dict[str, Any]:
    answer = hub.client.post(
        f"{API}/assessments", json=QUICK | wanted, headers=hub.auth("diskominfo", "metrics:draft")
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def stored(toba_hub: Hub) -> dict[str, Any]:
    return store(toba_hub)


@pytest.fixture(scope="module")
def page(toba_hub: Hub, stored: dict[str, Any]) -> Shown:
    return Shown(toba_hub.client.get(stored["report_href"]).text)


def test_every_figure_of_the_report_is_the_apis_to_the_printed_digit(
    page: Shown, stored: dict[str, Any]
) -> None:
    found = nodes(stored)
    for (code, field), texts in page.figures.items():
        node = found[code]
        match field:
            case "value":
                expected = whole(node["value"])
            case "interval":
                ends = node["interval"]
                expected = range_text(ends["low"], ends["high"]) if ends else "tidak diperkirakan"
                expected = "–" if node["value"] is None else expected
            case "bounds":
                expected = range_text(node["proven"], node["possible"])
            case "coverage":
                expected = f"{100 * node['coverage']:.0f}%"
            case "raw":
                continue  # as many digits as it has: compared below
            case other:
                pytest.fail(f"what is {other}?")
        assert texts == {expected}, (code, field)
    for code, node in found.items():
        assert (code, "value") in page.figures
        if "raw" in node and node["raw"] is not None:
            [text] = page.figures[code, "raw"]
            printed = float(text.replace(".", "").replace(",", "."))
            assert printed == pytest.approx(node["raw"], abs=5e-5)


def test_the_sensitivity_in_the_report_is_the_apis(
    toba_hub: Hub, page: Shown, stored: dict[str, Any]
) -> None:
    analysis = toba_hub.client.get(stored["sensitivity_href"]).json()
    text = " ".join(page.words)
    spread = analysis["spread"]
    assert f"di antara {range_text(spread['low'], spread['high'])} (95%)" in text
    assert f"dalam {number(spread['runs'], 0)} percobaan" in text


def test_the_way_to_the_target_is_the_apis(toba_hub: Hub, page: Shown) -> None:
    path = toba_hub.client.get(f"{API}/indices/spbe-2020").json()["path"]
    text = " ".join(page.words)
    assert "Target 3,39 pada tahun 2026, dari 2,98 pada tahun 2024." in text
    for step in path["steps"]:
        assert str(step["value"]).replace(".", ",") in text


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_a_report_comes_in_each_form_by_name_and_by_accept(
    toba_hub: Hub, stored: dict[str, Any], form: str
) -> None:
    by_name = toba_hub.client.get(stored["report_href"], params={"format": form})
    by_accept = toba_hub.client.get(stored["report_href"], headers={"Accept": FORMS[form]})
    for answer in (by_name, by_accept):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(FORMS[form])
        assert answer.headers["vary"].split(", ")[0] == "Accept"
    assert by_name.content == by_accept.content
    if form == "html":
        assert by_name.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert "script" not in Shown(by_name.text).tags
    else:
        name = f"laporan-cgr-2015-2024-12.12.{form}"
        assert f'filename="{name}"' in by_name.headers["content-disposition"]


@pytest.mark.slow
def test_the_pdf_names_the_regency_and_the_index(toba_hub: Hub, stored: dict[str, Any]) -> None:
    text = words_of(toba_hub.client.get(f"{stored['report_href']}?format=pdf").content)
    index = stored["index"]
    assert f"Kabupaten Toba tahun 2024 diperkirakan {whole(index['value'])} dari 100" in text
    low, high = math.floor(index["proven"]), math.ceil(index["possible"])
    assert f"Terbukti {low}, paling tinggi {high}." in text


def first_table(sheet: Sheet) -> Table:
    found = sheet.table(lambda columns: True)
    assert found is not None
    return found


def test_the_workbook_has_the_summary_the_scores_the_evidence_and_the_method(
    toba_hub: Hub, stored: dict[str, Any]
) -> None:
    content = toba_hub.client.get(f"{stored['report_href']}?format=xlsx").content
    sheets = {sheet.name: first_table(sheet) for sheet in read_workbook(content)}
    assert list(sheets) == ["Ringkasan", "Skor", "Bukti", "Metode", "Tonggak"]
    found = nodes(stored)
    values = {row.cells["code"]: row.cells.get("value") for row in sheets["Skor"].rows}
    assert values == {code: node["value"] for code, node in found.items()}
    method = {str(row.cells["Hal"]): row.cells["Isi"] for row in sheets["Metode"].rows}
    assert method["Sidik bukti (SHA-256)"] == stored["evidence_hash"]
    assert method["Sidik metode (SHA-256)"] == stored["method"]["hash"]
    used = {link["key"] for node in found.values() for link in node.get("evidence", ())}
    assert {row.cells["Kunci"] for row in sheets["Bukti"].rows} == used


def test_the_scores_are_a_table_of_the_same_figures(toba_hub: Hub, stored: dict[str, Any]) -> None:
    answer = toba_hub.client.get(f"{stored['scores_href']}?format=csv&delimiter=comma")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    found = nodes(stored)
    assert [row["code"] for row in rows] == [
        node["code"] for node in toba_hub.client.get(stored["scores_href"]).json()["items"]
    ]
    for row in rows:
        node = found[row["code"]]
        assert row["value"] == ("" if node["value"] is None else str(node["value"]))
        assert row["low"] == (str(node["interval"]["low"]) if node["interval"] else "")
        assert float(row["coverage"]) == node["coverage"]
    workbook = toba_hub.client.get(stored["scores_href"], headers={"Accept": XLSX})
    [sheet] = read_workbook(workbook.content)
    assert [row.cells["code"] for row in first_table(sheet).rows] == [row["code"] for row in rows]


@pytest.mark.slow
def test_a_report_does_not_change_by_what_is_assessed_later(toba_hub: Hub) -> None:
    first = store(toba_hub, seed=5)
    address = f"{first['report_href']}?format=pdf"
    before = toba_hub.client.get(address).content
    later = [store(toba_hub, seed=6), store(toba_hub, period=2023, seed=6)]
    assert toba_hub.client.get(address).content == before
    assert toba_hub.client.get(f"{later[0]['report_href']}?format=pdf").content != before


@pytest.mark.slow
def test_years_with_stored_assessments_are_in_the_trend(toba_hub: Hub) -> None:
    store(toba_hub, period=2023)
    newest = store(toba_hub, seed=9)
    text = " ".join(Shown(toba_hub.client.get(newest["report_href"]).text).words)
    assert "Indeks dan perkiraan dimensi menurut tahun" in text
    assert "belum dapat ditunjukkan" not in text


def test_a_missing_report_is_404_and_an_unknown_format_422(
    toba_hub: Hub, stored: dict[str, Any]
) -> None:
    assert toba_hub.client.get(f"{API}/assessments/{uuid4()}/report").status_code == 404
    wrong = toba_hub.client.get(stored["report_href"], params={"format": "docx"})
    assert wrong.status_code == 422
    assert re.search("format", wrong.text)
    assert toba_hub.client.get(f"{stored['scores_href']}?format=pdf").status_code == 422
