"""Files attached to evidence: checked by content, kept with what was confirmed."""

import hashlib
import io
import zipfile
from typing import Any

import httpx
import openpyxl
import pytest
from PIL import Image

from services.assessment.evidence import attachments
from tests.assessment.test_confirmation import act
from tests.assessment.test_write_routes import address, meeting, record, write
from tests.conftest import Room, agency_caller

pytestmark = pytest.mark.slow

DISKOMINFO = agency_caller("diskominfo", "evidence:write")
BAPPEDA = agency_caller("bappeda", "evidence:write", "evidence:confirm")
CONFIRMER = agency_caller("setda", "evidence:confirm")
ADMIN = agency_caller("setda", "admin")
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nstartxref\n0\n%%EOF\n"
PDF_TYPE = "application/pdf"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
WORD_MAIN = f'<Override PartName="/word/document.xml" ContentType="{WORD}.main+xml"/>'


def docx(*more: str, types: str = WORD_MAIN, main: str = "word/document.xml") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("[Content_Types].xml", f"<Types>{types}</Types>")
        for name in (main, *more):
            archive.writestr(name, "<w/>")
    return made.getvalue()


def photograph() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "2.3333N 99.0666E"
    made = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").save(made, "JPEG", exif=exif)
    return made.getvalue()


def files_of(path: str) -> str:
    return path.replace("/api/v1/", "/api/v1/evidence/") + "/attachments"


def send(
    room: Room, path: str, content: bytes, *, caller: Any = DISKOMINFO, name: str | None = None
) -> httpx.Response:
    headers = room.token(caller) | {"Content-Type": PDF_TYPE}
    query = {} if name is None else {"name": name}
    return room.client.post(files_of(path), content=content, params=query, headers=headers)


def read(room: Room, path: str, *, caller: Any = CONFIRMER, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return room.client.get(path, headers=room.token(caller) | named)


def listed(room: Room, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = read(room, files_of(path)).json()["items"]
    return items


def test_minutes_and_photographs_are_attached_and_downloaded_by_who_reads_them(
    regency: Room,
) -> None:
    path = address(record(regency, meeting()))
    minutes = send(regency, path, PDF, name="Notulensi 4 Maret")
    assert minutes.status_code == 201, minutes.text
    stored = minutes.json()
    assert stored["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert (stored["name"], stored["media_type"]) == ("Notulensi 4 Maret.pdf", PDF_TYPE)
    assert minutes.headers["Location"] == stored["href"]
    assert send(regency, path, PDF, name="Lain").json() == stored, "it has this file already"
    picture = send(regency, path, photograph()).json()
    assert (picture["name"], picture["media_type"]) == ("lampiran.jpg", "image/jpeg")
    assert send(regency, path, docx(), name="notula.docx").json()["name"] == "notula.docx"
    assert [one["media_type"] for one in listed(regency, path)] == [PDF_TYPE, "image/jpeg", WORD]

    shown = read(regency, stored["href"])
    assert shown.content == PDF
    assert shown.headers["Content-Disposition"].startswith("attachment;")
    assert "filename*=UTF-8''Notulensi%204%20Maret.pdf" in shown.headers["Content-Disposition"]
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert shown.headers["Cache-Control"] == "private, no-cache"
    again = read(regency, stored["href"], If_None_Match=shown.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert b"99.0666E" not in read(regency, picture["href"]).content
    other = agency_caller("diskominfo", "usage:write")
    for address_of_file in (stored["href"], files_of(path)):
        assert regency.get(address_of_file).status_code == 401
        assert read(regency, address_of_file, caller=other).status_code == 403
    elsewhere = stored["href"].replace(stored["sha256"], "0" * 64)
    assert read(regency, elsewhere).status_code == 404
    # The public workbook has hashes, no names.
    book = openpyxl.load_workbook(io.BytesIO(regency.get("/api/v1/evidence/export.xlsx").content))
    [head, *rows] = book["meetings"].iter_rows(values_only=True)
    column = head.index("attachments")
    [cell] = [row[column] for row in rows if row[column]]
    assert str(cell).startswith(stored["sha256"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"MZ\x90\x00" + bytes(60), "is not a PDF, DOCX"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "is not a PDF, DOCX"),
        (PDF[:20], "cut off or damaged"),
        (PDF.replace(b"endobj", b"/Encrypt 5 0 R endobj"), "password"),
        (docx("word/vbaProject.bin"), "macros"),
        (docx(types=WORD_MAIN.replace("wordprocessingml.document", "ms-word")), "Word"),
        (docx(main="xl/workbook.xml"), "Word"),
        (docx()[:60], "Word"),
        (photograph()[:200], "image is damaged"),
        (b"", "is not a PDF, DOCX"),
    ],
    # An archive has the time at which it was made: its bytes would be another name in each worker.
    ids=[
        *("program", "drawing", "cut-off-pdf", "encrypted-pdf", "macros", "template", "workbook"),
        *("cut-off-docx", "cut-off-photograph", "nothing"),
    ],
)
def test_what_is_none_of_the_kinds_is_refused_with_what_would_be_right(
    shared_regency: Room, content: bytes, words: str
) -> None:
    found = shared_regency.get("/api/v1/meetings").json()["items"][0]
    path = found["href"].split("?")[0]
    refused = send(shared_regency, path, content, caller=ADMIN)
    assert refused.status_code == 422, refused.text
    assert words in refused.json()["errors"][0]["detail"]


def test_too_much_is_refused(regency: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    path = address(record(regency, meeting()))
    assert send(regency, path, PDF + bytes(6 * 1024 * 1024)).status_code == 413
    parts = [f"word/{n}.xml" for n in range(2_001)]
    assert send(regency, path, docx(*parts)).status_code == 413
    monkeypatch.setattr(attachments, "MAX_OF_RECORD", 1)
    assert send(regency, path, PDF).status_code == 201
    assert "at most 1" in send(regency, path, docx()).json()["detail"]
    monkeypatch.setattr(attachments, "MAX_OF_RECORD", 9)
    monkeypatch.setattr(attachments, "MAX_BYTES_OF_AGENCY", len(PDF) + 9)
    refused = send(regency, path, docx())
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:emall:problem:conflict")


def test_only_the_agency_that_keeps_a_record_attaches_and_deletes(regency: Room) -> None:
    path = address(record(regency, meeting()))
    assert send(regency, path, PDF, caller=BAPPEDA).status_code == 403
    href = send(regency, path, PDF).json()["href"]
    assert write(regency, "DELETE", href, caller=BAPPEDA).status_code == 403
    assert write(regency, "DELETE", href, caller=DISKOMINFO).status_code == 204
    assert write(regency, "DELETE", href, caller=DISKOMINFO).status_code == 404
    assert (listed(regency, path), read(regency, href).status_code) == ([], 404)
    assert send(regency, path, PDF).status_code == 201, "and can be attached again"


def test_what_a_record_was_confirmed_with_stays_also_when_it_is_withdrawn(regency: Room) -> None:
    path = address(record(regency, meeting()))
    first = send(regency, path, PDF).json()
    act(regency, path, "confirmation", 1, BAPPEDA)
    assert listed(regency, path)[0]["confirmed_at"] is not None
    refused = write(regency, "DELETE", first["href"], caller=DISKOMINFO)
    assert refused.status_code == 409
    assert "was confirmed with" in refused.json()["detail"]
    later = send(regency, path, docx()).json()
    assert later["confirmed_at"] is None

    tag = regency.get(path).headers["ETag"]
    write(regency, "DELETE", f"{path}?reason=keliru", caller=DISKOMINFO, If_Match=tag)
    assert len(listed(regency, path)) == 2, "the withdrawal is only proposed"
    assert act(regency, path, "confirmation", 2, BAPPEDA).json()["state"] == "withdrawn"
    assert [one["sha256"] for one in listed(regency, path)] == [first["sha256"]]
    assert send(regency, path, docx()).status_code == 409
    # An administrator deletes any, such as one with personal data.
    assert write(regency, "DELETE", first["href"], caller=ADMIN).status_code == 204
    assert listed(regency, path) == []
