"""Statistics in a spreadsheet: the template of an agency, filled in and sent back."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from services.feedback.pack import FeedbackPack, load_feedback
from services.feedback.reference_data import ReferenceCodes
from services.feedback.reporting_obligations import ReportingObligation
from services.feedback.statistics.obligations import last_closed_months
from services.platform.local_time import DEFAULT_ZONE
from services.platform.months import months_between
from tests.conftest import ANONYMOUS, Room, agency_caller
from tests.feedback.conftest import new_agency
from tests.feedback.sending import LONG_AGO, USAGE, send_statistics, statistic, sums
from tests.feedback.sheets import (
    HEADS,
    faults,
    opened,
    saved,
    table,
    template,
    upload,
    workbook,
)


@pytest.fixture
def agency(office: Room) -> str:
    """Provide an agency with two services, one of them online too."""
    slug = new_agency()
    obligations = [
        ReportingObligation(slug, "ktp", "KTP Elektronik", ("counter", "online")),
        ReportingObligation(slug, "akta", "Akta Kelahiran", ("counter",)),
        ReportingObligation("dishub", "kir", "Uji KIR", ("counter",)),
    ]
    region = office.settings.region
    office.store(
        lambda session: load_feedback(
            session,
            region,
            FeedbackPack(()),
            obligations=obligations,
            references=ReferenceCodes(),
            month=LONG_AGO,
        )
    )
    return slug


def months_owed() -> list[str]:
    return [
        f"{m:%Y-%m}"
        for m in months_between(*last_closed_months(datetime.now(UTC), DEFAULT_ZONE, count=12))
    ]


def test_the_template_has_a_row_for_each_service_channel_and_open_month(
    office: Room, agency: str
) -> None:
    months = months_owed()
    send_statistics(office, agency, statistic(agency, "akta", period=months[-1]))
    answer = template(office, agency)
    assert f"statistik-{agency}-" in answer.headers["content-disposition"]
    book = opened(answer)
    assert book.sheetnames == ["Statistik", "Pilihan", "Petunjuk"]
    rows = [row[:4] for row in book["Statistik"].iter_rows(min_row=2, values_only=True)]
    expected = [
        (service, name, channel, month)
        for month in months
        for service, name, channel in (
            ("akta", "Akta Kelahiran", "loket"),
            ("ktp", "KTP Elektronik", "loket"),
            ("ktp", "KTP Elektronik", "daring"),
        )
        if (service, month) != ("akta", months[-1])
    ]
    assert rows == expected
    rules = {
        str(rule.sqref)[0]: (rule.type, rule.formula1)
        for rule in book["Statistik"].data_validations.dataValidation
    }
    assert rules["A"] == ("list", "Pilihan!$A$2:$A$3")
    assert rules["C"] == ("list", "Pilihan!$C$2:$C$6")
    assert rules["E"] == ("whole", "0")
    heads = [str(cell.value) for cell in book["Statistik"][1]]
    assert [h.partition("(")[2].rstrip(")") for h in heads[4:9]] == [
        "submitted",
        "in_review",
        "completed",
        "rejected",
        "returned",
    ]


@pytest.mark.slow
def test_the_template_as_it_comes_is_filled_in_and_taken(office: Room, agency: str) -> None:
    book = opened(template(office, agency))
    book["Statistik"]["E2"], book["Statistik"]["G2"] = 57, "1.055"
    answer = upload(office, agency, saved(book))
    assert answer.status_code == 200, answer.text
    received = answer.json()
    assert (received["added"], received["revised"], received["unchanged"]) == (2, 0, 0)
    assert [(item["cell"], item["value"], item["result"]) for item in received["items"]] == [
        ("G2", 1055, "added"),
        ("E2", 57, "added"),
    ]
    again = upload(office, agency, saved(book)).json()
    assert (again["added"], again["revised"], again["unchanged"]) == (0, 0, 2)


@pytest.mark.slow
def test_the_template_of_a_span_holds_what_is_known_and_a_correction_needs_its_reason(
    office: Room, agency: str
) -> None:
    send_statistics(office, agency, statistic(agency, channel="phone"))
    book = opened(template(office, agency, **{"from": "2024-03", "to": "2024-03"}))
    sheet = book["Statistik"]
    [row] = [row for row in sheet.iter_rows(min_row=2) if row[2].value == "telepon"]
    assert row[4].value == 412
    number = row[0].row
    sheet[f"E{number}"] = 415
    refused = faults(upload(office, agency, saved(book)))
    assert list(refused) == [f"#/Statistik/J{number}"]
    [said] = refused.values()
    assert "submitted 412 → 415" in said
    assert "alasan" in said
    assert sums(office, agency=agency) == {("submitted",): 412}
    sheet[f"J{number}"] = "tiga berkas ditemukan"
    received = upload(office, agency, saved(book)).json()
    assert (received["added"], received["revised"]) == (0, 1)
    [item] = received["items"]
    assert (item["previous"], item["value"], item["result"]) == (412, 415, "revised")
    listed = office.get(f"{USAGE}/statistics", period="2024-03", agency=agency).json()["items"]
    assert [i["reason"] for i in listed] == [None, "tiga berkas ditemukan"]


@pytest.mark.slow
def test_a_dry_run_returns_the_same_and_stores_nothing(office: Room, agency: str) -> None:
    file = workbook(("ktp", "loket", "Maret 2024", 412, 398, None))
    tried = upload(office, agency, file, dry_run="true").json()
    assert sums(office, agency=agency) == {}
    done = upload(office, agency, file).json()
    assert (tried.pop("dry_run"), done.pop("dry_run")) == (True, False)
    assert tried == done
    assert sums(office, agency=agency) == {("submitted",): 412, ("completed",): 398}


@pytest.mark.slow
@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: text.encode(),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("cp1252"),
        lambda text: ("sep=;\r\n" + text).encode("cp1252"),
        lambda text: text.replace(";", "\t").encode("utf-16"),
        lambda text: text.replace(";", ",").replace("1.412", '"1.412,00"').encode(),
        lambda text: text.replace("\r\n", "\n").encode(),
    ],
)
def test_csv_is_read_in_every_way_in_which_spreadsheets_save_it(
    office: Room, agency: str, encoded: Callable[[str], bytes]
) -> None:
    written = table(("ktp", "loket", "Mar-24", "1.412", "", "Loket “baru” – é"))
    answer = upload(office, agency, encoded(written))
    assert answer.status_code == 200, answer.text
    assert sums(office, agency=agency) == {("submitted",): 1412}


def test_the_template_as_csv_and_the_columns_of_the_api_are_taken_too(
    office: Room, agency: str
) -> None:
    answer = template(office, agency, format="csv")
    assert answer.content.startswith(b"\xef\xbb\xbflayanan;nama layanan;kanal;bulan;")
    first = answer.content.decode("utf-8-sig").splitlines()[1].split(";")
    first[4] = "7"
    sheet = "\r\n".join([answer.text.splitlines()[0], ";".join(first)])
    assert upload(office, agency, sheet).json()["added"] == 1
    own = ("agency", "service", "channel", "period", "submitted", "in_review")
    rows = table((agency, "ktp", "counter", "2024-03", 5, 1), heads=own, between=",")
    assert upload(office, agency, rows).json()["added"] == 2


@pytest.mark.slow
def test_every_wrong_cell_is_named_with_its_remedy_and_nothing_is_stored(
    office: Room, agency: str
) -> None:
    file = workbook(
        ("ktp", "loket", "2024-03", 1, 1, None),
        ("ktpp", "merpati", "Marit 2024", "1,5", "-", None),
        (None, "loket", "2024-03", 5, None, None),
        ("kir", "loket", "2099-01", None, -1, None),
        ("ktp", "loket", "Maret 2024", 2, 1, None),
    )
    found = faults(upload(office, agency, file))
    assert {pointer.removeprefix("#/Statistik/") for pointer in found} == {
        "A3",
        "B3",
        "C3",
        "D3",
        "E3",
        "A4",
        "A5",
        "C5",
        "E5",
        "D6",
    }
    assert "mungkin ktp" in found["#/Statistik/A3"]
    assert "loket" in found["#/Statistik/B3"]
    assert "Maret 2024" in found["#/Statistik/C3"]
    assert "Statistik!D2" in found["#/Statistik/D6"]
    english = faults(upload(office, agency, file, lang="en"))
    assert "perhaps ktp" in english["#/Statistik/A3"]
    assert sums(office, agency=agency) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("heads", "cell", "said"),
    [
        ((*HEADS[:3], "msk", *HEADS[4:]), "D1", "bukan kolom"),
        ((*HEADS[:3], "masuk", "submitted", "alasan"), "E1", "berarti sama"),
        (("apa", *HEADS[1:]), "A1", "unduh templat"),
    ],
)
def test_a_heading_that_is_not_the_templates_is_named(
    office: Room, agency: str, heads: tuple[str, ...], cell: str, said: str
) -> None:
    file = workbook(("ktp", "loket", "2024-03", 1, 1, None), heads=heads)
    found = faults(upload(office, agency, file))
    assert said in found[f"#/Statistik/{cell}"]


def bomb() -> bytes:
    """Return a workbook that unpacks to 300 MB."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 300_000_000)
    return stream.getvalue()


def entities() -> bytes:
    """Return a workbook whose XML names itself again and again."""
    nested = "".join(f'<!ENTITY l{n} "' + f"&l{n - 1};" * 10 + '">' for n in range(1, 10))
    xml = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{nested}]><x>&l9;</x>'
    source = zipfile.ZipFile(io.BytesIO(workbook(("ktp", "loket", "2024-03", 1, 1, None))))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in source.namelist():
            archive.writestr(name, xml if "sheet1" in name else source.read(name))
    return stream.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "kosong"),
        (b" \r\n", "kosong"),
        (b"PK\x03\x04 damaged", "bukan buku kerja"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "bukan XLSX"),
        (b'"never closed', "baris 1"),
        (bomb, "terlalu besar"),
        (entities, "bukan buku kerja"),
        (workbook(), "belum ada angka"),
        (workbook(*[("ktp", "loket", "2024-03", 1, 1, None)] * 2_001), "lebih dari 2000"),
        (b"layanan;kanal;bulan;masuk\n" + b"x\n" * 25_000, "20.000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_table_or_too_large_is_refused_in_words(
    office: Room, agency: str, content: bytes | Callable[[], bytes], said: str
) -> None:
    file = content if isinstance(content, bytes) else content()
    assert said in " ".join(faults(upload(office, agency, file)).values())


def test_a_file_may_have_2_mib(office: Room, agency: str) -> None:
    assert upload(office, agency, b"x" * (2 * 1024 * 1024 + 1)).status_code == 413


@pytest.mark.slow
def test_a_key_is_only_for_its_own_agency(office: Room, agency: str) -> None:
    file = workbook(("ktp", "loket", "2024-03", 1, 1, None))
    assert upload(office, agency, file, caller=ANONYMOUS).status_code == 401
    other = agency_caller("dishub", "usage:write")
    assert upload(office, agency, file, caller=other, agency=agency).status_code == 403
    foreign = table(("dishub", "kir", "loket", "2024-03", 4), heads=("instansi", *HEADS[:4]))
    assert "instansi lain" in faults(upload(office, agency, foreign))["#/Statistik/A2"]
    admin = agency_caller("diskominfo", "admin")
    assert upload(office, agency, file, caller=admin, agency=agency).status_code == 200
    assert template(office, "opd-without-services").status_code == 409
    wide = template(office, agency, **{"from": "2001-01", "to": "2024-12"})
    assert wide.status_code == 422


def test_a_template_of_months_to_come_and_of_the_past_is_the_span_that_was_asked_for(
    office: Room, agency: str
) -> None:
    book = opened(template(office, agency, **{"from": "2024-01", "to": "2024-02"}))
    rows = list(book["Statistik"].iter_rows(min_row=2, values_only=True))
    assert [row[3] for row in rows] == ["2024-01"] * 3 + ["2024-02"] * 3
    assert date.fromisoformat(f"{rows[0][3]}-01") == date(2024, 1, 1)
