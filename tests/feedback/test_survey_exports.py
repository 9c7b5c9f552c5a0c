"""Responses as files: coded, labelled, of the agency that asks, and nobody's."""

import csv
import io
from pathlib import Path
from typing import Any

import httpx
import pyreadstat
import pytest
from openpyxl import load_workbook

from services.feedback.surveys.definition import Survey
from services.platform.identity import Caller
from services.platform.service import API
from tests.conftest import Room, agency_caller
from tests.feedback.questionnaires import load, option, question, respond, survey

ADMIN = Caller(subject="key", agency="diskominfo", scopes=frozenset({"admin"}))
DUKCAPIL = agency_caller("dukcapil", "usage:write")


def asked() -> Any:
    return survey(
        question("U1", "scale4"),
        question("used"),
        question("known", "multiple", required=False, options=[option("oss"), option("simbg")]),
        question("people", "number", low=1, high=20, required=False),
    )


def respond_as_five(feedback: Room, answers: dict[str, Any], **more: Any) -> None:
    """Answer as five people, who are the fewest of whom something is exported."""
    for _ in range(5):
        assert respond(feedback, answers, **more).status_code == 201


@pytest.fixture
def answered(feedback: Room) -> Room:
    load(feedback, asked())
    first = {"U1": 4, "used": "no", "known": ["simbg"], "people": 3}
    respond_as_five(feedback, first, agency="dukcapil", day="2024-05-14", mode="api")
    respond_as_five(feedback, {"U1": 1, "used": "yes"}, agency="pupr", day="2024-06-01")
    return feedback


def export(feedback: Room, file: str, *, caller: Caller = ADMIN) -> httpx.Response:
    feedback.form_bundles()
    answer = feedback.get(f"{API}/surveys/own/exports/{file}", caller=caller, period="2024")
    assert answer.status_code == 200, answer.text
    assert f"own-2024-{file}" in answer.headers["content-disposition"]
    return answer


def lines(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))


def test_a_csv_with_its_codebook(answered: Room) -> None:
    exported = lines(export(answered, "responses.csv"))
    assert len(exported) == 10
    first, second = exported[0], exported[-1]
    assert first == {
        "month": "2024-05",
        "version": "1",
        "service": "",
        "agency": "dukcapil",
        "channel": "",
        "district": "",
        "mode": "api",
        "U1": "4",
        "used": "2",
        "known__oss": "0",
        "known__simbg": "1",
        "people": "3",
    }
    assert (second["U1"], second["known__oss"], second["people"]) == ("1", "", "")
    book = lines(export(answered, "codebook.csv"))
    assert [line["variable"] for line in book if line["label"]] == list(first)
    assert [
        (line["value"], line["code"], line["text_en"])
        for line in book
        if line["variable"] == "used" and line["value"]
    ] == [("1", "yes", "Option yes"), ("2", "no", "Option no")]


def test_an_export_has_neither_identity_nor_day(answered: Room) -> None:
    receipts = [
        respond(answered, {"U1": 2, "used": "yes"}, day="2024-05-15").json() for _ in range(5)
    ]
    text = export(answered, "responses.csv").text
    assert len(text.splitlines()) == 16
    assert not any(receipt["id"] in text for receipt in receipts)
    assert "2024-05-15" not in text


def test_a_workbook(answered: Room) -> None:
    book = load_workbook(io.BytesIO(export(answered, "responses.xlsx").content))
    assert book.sheetnames == ["responses", "codebook"]
    rows = list(book["responses"].values)
    assert len(rows) == 11
    assert rows[1][rows[0].index("U1")] == 4


@pytest.mark.slow
def test_a_file_for_spss_opens_with_its_labels(answered: Room, tmp_path: Path) -> None:
    file = tmp_path / "responses.sav"
    file.write_bytes(export(answered, "responses.sav").content)
    frame, meta = pyreadstat.read_sav(str(file), output_format="dict")
    assert [int(value) for value in frame["U1"]] == [4] * 5 + [1] * 5
    assert meta.column_names_to_labels["used"] == "Tanya used"
    assert meta.variable_value_labels["used"] == {1.0: "Pilihan yes", 2.0: "Pilihan no"}
    assert meta.variable_value_labels["U1"][4.0] == "Pilihan d"
    assert meta.variable_measure["U1"] == "ordinal"
    assert meta.file_label == "Survei 2024"


def test_a_file_for_spss_without_responses_opens(feedback: Room, tmp_path: Path) -> None:
    load(feedback, asked())
    file = tmp_path / "responses.sav"
    file.write_bytes(export(feedback, "responses.sav").content)
    _, meta = pyreadstat.read_sav(str(file), output_format="dict")
    assert meta.number_rows == 0
    assert meta.column_names[-1] == "people"


def test_a_code_that_changed_its_capitals_leaves_both_columns(
    feedback: Room, tmp_path: Path
) -> None:
    for code in ("used", "Used"):
        load(feedback, survey(question(code)))
        respond_as_five(feedback, {code: "yes"}, day="2024-05-14")
        feedback.form_bundles()
    exported = lines(export(feedback, "responses.csv"))
    first, second = exported[0], exported[-1]
    assert [(line["Used"], line["used_2"]) for line in (first, second)] == [("", "1"), ("1", "")]
    file = tmp_path / "responses.sav"
    file.write_bytes(export(feedback, "responses.sav").content)
    _, meta = pyreadstat.read_sav(str(file), output_format="dict")
    assert meta.column_names[-2:] == ["Used", "used_2"]


def test_a_survey_that_was_stored_before_codes_had_rules_is_answered_and_exported(
    feedback: Room, tmp_path: Path
) -> None:
    content = survey(question("Q1"), question("Q2")).model_dump(mode="json")
    for place, code in enumerate(("channel", "OR")):
        content["questions"][place]["code"] = code
    load(feedback, Survey.from_stored(content))
    answers = {"channel": "no", "OR": "yes"}
    respond_as_five(feedback, answers, day="2024-05-14", channel="online")
    line, *_ = lines(export(feedback, "responses.csv"))
    assert (line["channel"], line["channel_2"], line["OR_2"]) == ("online", "2", "1")
    file = tmp_path / "responses.sav"
    file.write_bytes(export(feedback, "responses.sav").content)
    _, meta = pyreadstat.read_sav(str(file), output_format="dict")
    assert meta.column_names[-2:] == ["channel_2", "OR_2"]
    assert feedback.get(f"{API}/surveys/own").status_code == 200


def test_an_agency_sees_the_responses_about_itself(answered: Room) -> None:
    for caller, agencies in (
        (ADMIN, ["dukcapil"] * 5 + ["pupr"] * 5),
        (DUKCAPIL, ["dukcapil"] * 5),
    ):
        found = lines(export(answered, "responses.csv", caller=caller))
        assert [line["agency"] for line in found] == agencies


def test_without_a_key_of_the_scope_there_is_no_export(answered: Room) -> None:
    path = f"{API}/surveys/own/exports/responses.csv"
    assert answered.get(path).status_code == 401
    assert answered.get(path, caller=agency_caller("pupr", "catalog:write")).status_code == 403
    assert answered.get(f"{API}/surveys/own/exports/other.csv", caller=ADMIN).status_code == 422
