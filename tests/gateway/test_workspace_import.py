"""`/kelola/impor`: a spreadsheet of the catalogue, checked before it is stored."""

import io

import httpx
import openpyxl
import pytest

from tests.conftest import Hub
from tests.gateway.forms import form_fields
from tests.gateway.people import Colleague, colleague
from tests.gateway.workbooks import with_thumbnail

pytestmark = [pytest.mark.usefixtures("signed_out"), pytest.mark.slow]

IMPORT = "/kelola/impor"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Provide a hub for a module."""
    return toba_hub


@pytest.fixture(scope="module")
def editor(hub: Hub) -> Colleague:
    return colleague(hub, "penyunting@dukcapil.test", ("editor", "dukcapil"))


def check(person: Colleague, content: bytes) -> httpx.Response:
    return person.post(IMPORT, files={"berkas": ("katalog.xlsx", content)})


def test_a_file_is_checked_then_stored(hub: Hub, editor: Colleague) -> None:
    template = hub.client.get("/api/v1/catalog/template.xlsx?agency=dukcapil").content
    assert hub.client.get(IMPORT).status_code == 303
    assert "template.zip?agency=dukcapil" in editor.get(IMPORT).text
    unchanged = check(editor, template)
    assert unchanged.status_code == 200
    assert "tidak mengubah apa pun" in unchanged.text
    book = openpyxl.load_workbook(io.BytesIO(template))
    sheet = next(one for one in book if one.title.startswith("Layanan"))
    headings = [cell.value for cell in sheet[1]]
    column = next(n for n, text in enumerate(headings, 1) if text == "ringkasan")
    row = next(n for n in range(2, 20) if sheet.cell(n, column).value)
    sheet.cell(row, column, "Ringkasan dari lembar kerja.")
    file = io.BytesIO()
    book.save(file)
    preview = check(editor, with_thumbnail(file.getvalue(), size=1_000_000))
    assert "0 baru, 1 berubah" in preview.text
    assert 'enctype="multipart/form-data"' in preview.text  # other forms have 256 KiB
    assert "Ringkasan dari lembar kerja." not in hub.client.get("/api/v1/services").text
    carried = (None, form_fields(preview.text)["isi"])
    stored = editor.post(f"{IMPORT}/simpan", files={"isi": carried})
    assert "Perubahan tersimpan" in stored.text
    assert "Ringkasan dari lembar kerja." in hub.client.get("/api/v1/services").text
    sheet.cell(row, column, " ")
    broken = io.BytesIO()
    book.save(broken)
    refused = check(editor, broken.getvalue())
    assert refused.status_code in {412, 422}
    assert sheet.title in refused.text
    assert check(editor, b"").status_code == 422
    assert check(editor, b"PK tidak terbaca").status_code in {400, 415, 422}
    assert editor.post(f"{IMPORT}/simpan", {"isi": "%"}).status_code == 422
