"""Evidence as a workbook: out, filled in by people, and in again."""

import io
from contextlib import suppress
from datetime import date
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from openpyxl import Workbook, load_workbook

from services.assessment.evidence import rules
from services.assessment.evidence.records import (
    ActionItem,
    Agreement,
    Attendance,
    Evidence,
    Meeting,
    Risk,
)
from services.assessment.evidence.workbook import from_workbook, to_workbook
from services.assessment.evidence.workbook_headings import COLUMNS, WORDS
from services.assessment.pack import read_evidence
from services.platform.identity import Caller
from services.platform.spreadsheets.model import XLSX, SpreadsheetError
from services.platform.spreadsheets.reading import read_workbook
from tests.conftest import TOBA, Room, agency_caller

DISKOMINFO = agency_caller("diskominfo", "evidence:write")
BAPPEDA = agency_caller("bappeda", "evidence:write")

MEETINGS_OF_PACK = 7


def sheet_of(**sheets: list[list[Any]]) -> bytes:
    """Return a workbook with these sheets, each with its head in the first row."""
    book = Workbook()
    assert book.active is not None
    book.remove(book.active)
    for name, rows in sheets.items():
        worksheet = book.create_sheet(name)
        for row in rows:
            worksheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def send(
    room: Room, content: bytes, *, caller: Caller = DISKOMINFO, dry_run: bool = False
) -> httpx.Response:
    return room.client.post(
        "/api/v1/evidence/import",
        content=content,
        params={"dry_run": dry_run},
        headers=room.token(caller) | {"Content-Type": XLSX},
    )


def back(content: bytes) -> dict[str, list[Evidence]]:
    found: dict[str, list[Evidence]] = {}
    for kind, record, _, _ in from_workbook(read_workbook(content)):
        found.setdefault(kind, []).append(record)
    return found


def test_the_evidence_of_toba_comes_back_as_it_went_out() -> None:
    records = {kind: list(found) for kind, found in read_evidence(TOBA).records.items() if found}
    assert back(to_workbook(records)) == records


words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1).filter(
    lambda word: ";" not in word and word.strip() == word
)
slugs = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z][a-z0-9]{0,8}){0,2}", fullmatch=True)
flags = st.none() | st.booleans()
days = st.dates(min_value=date(1950, 1, 1))
meetings = st.builds(
    Meeting,
    key=slugs,
    sources=st.lists(slugs, min_size=1, max_size=3),
    name=words,
    name_en=words,
    held_on=days,
    agenda=st.none() | st.lists(words, min_size=1, max_size=3),
    minutes=flags,
    discussion=flags,
    led_by=st.none() | slugs,
    sectors_present=st.none() | st.just(["government", "private"]),
    attendance=st.none()
    | st.lists(
        st.builds(Attendance, stakeholder=slugs, invited=flags, present=st.booleans(), spoke=flags),
        min_size=1,
        max_size=4,
    ),
    action_items=st.none()
    | st.lists(
        st.builds(ActionItem, task=words, owner=st.none() | slugs, due=days, done=flags),
        min_size=1,
        max_size=3,
    ),
)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.lists(meetings, min_size=1, max_size=4, unique_by=lambda meeting: meeting.key))
def test_any_meetings_come_back_as_they_went_out(given_meetings: list[Meeting]) -> None:
    assert back(to_workbook({"meetings": given_meetings})) == {"meetings": given_meetings}


@pytest.mark.slow
@pytest.mark.parametrize("word", ["=1+1", "+62", "-", "@SUM(A1)", '=HYPERLINK("x")'])
def test_a_text_that_looks_like_a_formula_stays_a_text(word: str) -> None:
    risk = Risk.model_validate(
        {"key": "r", "sources": ["s"], "name": word, "name_en": "x", "attested_in": 2024}
    )
    book = load_workbook(io.BytesIO(to_workbook({"risks": [risk]})))
    column = [cell.value for cell in book["risks"][1]].index("name") + 1
    cell = book["risks"].cell(2, column)
    assert (cell.data_type, cell.value) == ("s", word)


def test_every_wrong_cell_is_named_with_its_remedy() -> None:
    content = sheet_of(
        meetings=[
            ["key", "name", "name_en", "held_on", "sources", "colour"],
            ["rapat-1", "Rapat", "Meeting", "2025-13-01", "study-2025"],
            ["Rapat 2", "Rapat", "Meeting", "2025-01-01", "study-2025"],
            ["rapat-3", None, "Meeting", "2025-01-01", "study-2025"],
        ],
        attendance=[["meeting", "stakeholder", "present"], ["rapat-9", "it-del", "ya"]],
        holidays=[["day"], ["2025-01-01"]],
    )
    with pytest.raises(SpreadsheetError) as caught:
        from_workbook(read_workbook(content))
    places = {f"{fault.sheet}!{fault.cell}" for fault in caught.value.issues}
    assert places == {
        "holidays!A1",
        "meetings!F1",
        "meetings!D2",
        "meetings!A3",
        "meetings!B4",
        "attendance!A2",
    }


@pytest.mark.parametrize("content", [b"", b"PK", b"not a workbook", b"PK\x03\x04" + b"\x00" * 200])
def test_what_is_no_workbook_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(SpreadsheetError, match="XLSX"):
        read_workbook(content)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_damaged_workbook_is_refused_or_read_never_a_crash(data: st.DataObject) -> None:
    content = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(SpreadsheetError):
        from_workbook(read_workbook(bytes(content)))


WHOLE = sheet_of(
    meetings=[
        ["key", "name", "name_en", "held_on", "sources"],
        ["rapat-1", "Rapat", "Meeting", "2025-01-01", "study-2025"],
    ]
)


@pytest.mark.slow
def test_a_filled_template_is_taken_and_sent_again_changes_nothing(regency: Room) -> None:
    template = regency.get("/api/v1/evidence/template.xlsx")
    assert template.headers["content-type"] == XLSX
    book = load_workbook(io.BytesIO(template.content))
    head = [cell.value for cell in book["meetings"][1]]
    row = {"key": "rapat-1", "name": "Rapat", "name_en": "Meeting", "held_on": "2025-02-03"}
    row |= {"sources": "study-2025", "minutes": "ya", "led_by": "kepala-diskominfo"}
    book["meetings"].append([row.get(str(name)) for name in head])
    book["attendance"].append(["rapat-1", "it-del", "ya", "ya", "tidak"])
    stream = io.BytesIO()
    book.save(stream)

    checked = send(regency, stream.getvalue(), dry_run=True)
    told = checked.json()
    assert (told["added"], told["corrected"], told["unchanged"]) == (1, 0, 0)
    [change] = told["changes"]
    assert (change["pointer"], change["key"]) == ("#/meetings/A2", "rapat-1")
    cells = {cell["field"]: (cell["before"], cell["after"]) for cell in change["cells"]}
    assert cells["minutes"] == (None, "ya")
    assert cells["attendance"] == (None, "it-del, ya, ya, tidak")
    assert len(regency.get("/api/v1/meetings").json()["items"]) == MEETINGS_OF_PACK

    taken = send(regency, stream.getvalue())
    assert (taken.json()["added"], taken.json()["dry_run"]) == (1, False)
    again = send(regency, stream.getvalue()).json()
    assert (again["added"], again["unchanged"], again["changes"]) == (0, 1, [])
    [stored] = [
        item["content"]
        for item in regency.get("/api/v1/meetings").json()["items"]
        if item["content"]["key"] == "rapat-1"
    ]
    assert stored["minutes"] is True
    assert stored["attendance"] == [
        {"stakeholder": "it-del", "invited": True, "present": True, "spoke": False}
    ]


@pytest.mark.slow
def test_a_workbook_of_more_than_readers_can_bear_is_refused_whole(
    regency: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MAX_BYTES_OF_AGENCY", 20_000)
    rows = [[f"r{at}", "Rapat", "Meeting", "2025-01-01", "study-2025"] for at in range(60)]
    head = ["key", "name", "name_en", "held_on", "sources"]
    answer = send(regency, sheet_of(meetings=[head, *rows]))
    assert (answer.status_code, answer.json()["errors"]) == (409, [])
    assert len(regency.get("/api/v1/meetings").json()["items"]) == MEETINGS_OF_PACK
    assert send(regency, sheet_of(meetings=[head, *rows[:5]])).status_code == 200


@pytest.mark.slow
def test_one_wrong_row_rejects_the_whole_workbook(regency: Room) -> None:
    content = sheet_of(
        meetings=[
            ["key", "name", "name_en", "held_on", "sources", "led_by"],
            ["rapat-1", "Rapat", "Meeting", "2025-01-01", "study-2025", "nobody"],
            ["rapat-2", "Rapat", "Meeting", "2025-01-01", "nowhere", None],
            ["rapat-2", "Rapat", "Meeting", "2025-01-02", "study-2025", None],
        ]
    )
    answer = send(regency, content)
    assert answer.status_code == 422
    found = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
    assert set(found) == {"#/meetings/F2", "#/meetings/E3", "#/meetings/A4"}
    assert "row 3" in found["#/meetings/A4"]
    assert len(regency.get("/api/v1/meetings").json()["items"]) == MEETINGS_OF_PACK


@pytest.mark.slow
def test_an_exported_workbook_corrects_what_was_changed_in_it(regency: Room) -> None:
    assert send(regency, WHOLE).status_code == 200
    book = load_workbook(io.BytesIO(regency.get("/api/v1/evidence/export.xlsx").content))
    rows = list(book["meetings"].iter_rows(min_row=2))
    [own] = [row for row in rows if row[0].value == "rapat-1"]
    head = [cell.value for cell in book["meetings"][1]]
    states = {row[0].value: row[head.index("state")].value for row in rows}
    assert states.pop("rapat-1") == "proposed"
    assert set(states.values()) == {"confirmed"}
    assert len(states) == MEETINGS_OF_PACK
    book["meetings"].cell(int(own[0].row or 0), head.index("minutes") + 1, "ya")
    book["meetings"].cell(int(own[0].row or 0), head.index("state") + 1, "confirmed")
    stream = io.BytesIO()
    book.save(stream)

    foreign = send(regency, stream.getvalue(), caller=BAPPEDA)
    assert foreign.status_code == 422
    assert "diskominfo" in foreign.json()["errors"][0]["detail"]
    answer = send(regency, stream.getvalue()).json()
    assert (answer["added"], answer["corrected"]) == (0, 1)
    [cell] = answer["changes"][0]["cells"]
    assert (cell["heading"], cell["before"], cell["after"]) == ("ada notulensi", None, "ya")
    [proposed] = regency.get("/api/v1/meetings", state="proposed").json()["items"]
    assert (proposed["version"], proposed["content"]["minutes"]) == (2, True)


def test_a_cell_with_a_code_of_no_vocabulary_or_a_second_value_of_an_index_is_named(
    regency: Room,
) -> None:
    content = sheet_of(
        decisions=[
            ["key", "name", "name_en", "number", "instruments", "valid_from", "sources"],
            ["sk-1", "SK", "Decree", "1", "team; tim", "2025-01-01", "study-2025"],
        ],
        **{
            "index-values": [
                ["key", "index", "year", "value", "sources"],
                ["again", "spbe-2020", 2024, 3.9, "study-2025"],
            ]
        },
    )
    refused = send(regency, content, caller=agency_caller("setda", "admin"))
    found = {error["pointer"]: error["detail"] for error in refused.json()["errors"]}
    assert set(found) == {"#/decisions/E2", "#/index-values/A2", "#/index-values/C2"}
    assert "smart_city_management" in found["#/decisions/E2"]
    assert "spbe-2024 has it" in found["#/index-values/C2"]


@pytest.mark.slow
def test_a_workbook_with_indonesian_headings_comes_back_as_it_went_out(regency: Room) -> None:
    records = {kind: list(found) for kind, found in read_evidence(TOBA).records.items() if found}
    content = to_workbook(records, headings="indonesian")
    assert back(content) == records
    book = load_workbook(io.BytesIO(content))
    assert {"Rapat", "Kehadiran", "Tingkat indikator"} <= set(book.sheetnames)
    assert "pemerintah" in {str(cell.value) for row in book["Pemangku kepentingan"] for cell in row}
    codes = [*COLUMNS.keys() - {"attendance", "action_items"}]
    assert len({COLUMNS[code] for code in codes}) == len(codes)
    assert len(set(WORDS.values())) == len(WORDS)

    told = regency.get("/api/v1/evidence/template.xlsx", headings="indonesian")
    heads = {
        sheet.title: [cell.value for cell in sheet[1]]
        for sheet in load_workbook(io.BytesIO(told.content))
    }
    assert {"kunci", "tanggal", "ada notulensi"} <= set(heads["Rapat"])
    row = ["tingkat", "spbe-2020", "2024", 11, 9, "dicapai", "study-2025"]
    head = ["Kunci", "Indeks", "Tahun", "Nomor indikator", "tingkat", "peran", "sumber"]
    twice = {"Rapat": [["kunci"], ["a"]], "meetings": [["key"], ["a"]]}
    refused = send(regency, sheet_of(**{"Tingkat indikator": [head, row]}, **twice))
    errors = {error["pointer"]: error["detail"] for error in refused.json()["errors"]}
    assert {"#/Tingkat indikator/A2", "#/Rapat/A1"} <= errors.keys()
    row = ["spbe-2020-2024-11", "spbe-2020", 2024, 11, 3, "dicapai", "study-2025"]
    sent = send(regency, sheet_of(**{"Tingkat indikator": [head, row]}))
    assert sent.json()["added"] == 1, sent.text
    value = [
        ["kunci", "indeks", "tahun", "nilai", "sumber"],
        ["x", "spbe-2020", 2023, 3, "study-2025"],
    ]
    refused = send(regency, sheet_of(**{"Nilai indeks": value}))
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["#/Nilai indeks/A2"]


def test_an_import_needs_a_key_that_may_write(regency: Room) -> None:
    other = agency_caller("diskominfo", "usage:write")
    assert send(regency, WHOLE, caller=other).status_code == 403


@pytest.mark.slow
def test_the_calendar_lists_due_dates(regency: Room) -> None:
    meeting = Meeting.model_validate(
        {
            "key": "rapat-1",
            "name": "Rapat forum",
            "name_en": "Meeting",
            "held_on": "2025-02-03",
            "sources": ["study-2025"],
            "action_items": [
                {"task": "Menyusun rencana", "due": "2025-04-01"},
                {"task": "Selesai", "due": "2025-04-01", "done": True},
            ],
        }
    )
    agreement = Agreement.model_validate(
        {
            "key": "nota",
            "name": "Nota kesepahaman",
            "name_en": "Memorandum",
            "parties": ["kepala-diskominfo", "it-del"],
            "partner_sector": "private",
            "scope": "Data",
            "valid_from": "2025-01-01",
            "valid_to": "2026-01-01",
            "sources": ["study-2025"],
        }
    )
    content = to_workbook({"meetings": [meeting], "agreements": [agreement]})
    assert send(regency, content).status_code == 200
    answer = regency.get("/api/v1/evidence/calendar.ics")
    assert answer.headers["content-type"].startswith("text/calendar")
    events = {
        str(event["summary"]): str(event.decoded("dtstart"))
        for event in Calendar.from_ical(answer.text).walk("VEVENT")
    }
    assert events["Rapat forum"] == "2025-02-03"
    assert "STATUS:TENTATIVE" in answer.text
    assert events["Tindak lanjut: Menyusun rencana"] == "2025-04-01"
    assert events["Berakhir: Nota kesepahaman"] == "2026-01-01"
    assert not any("Selesai" in summary for summary in events)
    again = regency.client.get(
        "/api/v1/evidence/calendar.ics",
        headers=regency.token() | {"If-None-Match": answer.headers["etag"]},
    )
    assert again.status_code == 304
