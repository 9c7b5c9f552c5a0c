"""Tickets for SP4N-LAPOR!: exported without contacts, marked with the number given back."""

import csv
import io

from services.platform.spreadsheets.reading import read_workbook
from tests.conftest import Room
from tests.feedback.complaints import COMMENTS, EMAIL, call, contact, file, handler_of
from tests.feedback.sending import pointers


def test_chosen_tickets_are_exported_and_a_formula_stays_a_text(office: Room, agency: str) -> None:
    chosen = file(office, agency=agency, text="=HYPERLINK(1)", contact=contact())
    file(office, agency=agency)
    handler = handler_of(agency)
    address = f"{COMMENTS}/exports/sp4n.csv?ticket={chosen['ticket']}"
    sheet = call(office, "GET", address, caller=handler)
    [row] = csv.DictReader(io.StringIO(sheet.content.decode("utf-8-sig")), delimiter=";")
    assert (row["tiket"], row["isi"]) == (chosen["ticket"], "'=HYPERLINK(1)")
    assert row["klasifikasi"] == "Pengaduan"
    book = call(office, "GET", f"{COMMENTS}/exports/sp4n.xlsx", caller=handler)
    [found] = read_workbook(book.content)
    assert len(found.lines) == 3  # the header and two comments
    for file_ in (sheet, book):
        assert EMAIL.encode() not in file_.content
    other = call(office, "GET", address, caller=handler_of("other"))
    assert len(other.text.splitlines()) == 1


def test_numbers_are_given_back_for_all_tickets_or_for_none(office: Room, agency: str) -> None:
    first, second = file(office, agency=agency), file(office, agency="other")
    handler = handler_of(agency)
    items = [{"ticket": first["ticket"], "number": "8812345"}]
    both = [*items, {"ticket": second["ticket"], "number": "8812346"}]
    refused = call(
        office, "POST", f"{COMMENTS}/exports/sp4n/numbers", {"items": both}, caller=handler
    )
    assert pointers(refused, 409) == ["#/items/1/ticket"]
    assert call(office, "GET", first["href"]).json()["state"] == "received"
    marked = call(
        office, "POST", f"{COMMENTS}/exports/sp4n/numbers", {"items": items}, caller=handler
    )
    assert marked.status_code == 200
    shown = call(office, "GET", first["href"]).json()
    assert (shown["state"], shown["forwarded_number"]) == ("forwarded", "8812345")
