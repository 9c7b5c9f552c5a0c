"""Files that change what another agency has, for each operation that reads a file."""

import io
from collections.abc import Callable

from PIL import Image

from services.assessment.evidence.records import Meeting
from services.assessment.evidence.workbook import to_workbook
from services.platform.spreadsheets.model import CSV, XLSX
from tests.catalog.spreadsheets import csv_archive, csv_tables
from tests.contract.sending import PLACES, Sender, of_own_evidence
from tests.feedback.sheets import table

JPEG = "image/jpeg"
ZIP = "application/zip"


def _service(sender: Sender) -> bytes:
    """Change the name of a service in the catalogue's own tables."""
    path = "/api/v1/catalog/template.zip?agency=dukcapil"
    tables = csv_tables(sender.client.get(path, headers=sender.admin).content)
    head, *rows = tables["Layanan"]
    row = next(row for row in rows if row[0] == "ktp-el")
    row[head.index("nama")] = "KTP milik kami"
    return csv_archive({"Layanan": [head, row]})


def _evidence(sender: Sender) -> bytes:
    """Change a record that another agency made."""
    PLACES["put_meeting"](sender)
    meeting = Meeting.model_validate(sender.example("post_meeting") | {"name": "Rapat kami"})
    return to_workbook({"meetings": [meeting]})


def _statistics(_: Sender) -> bytes:
    return table(("ktp-el", "counter", "2023-11", 4, 3, "")).encode()


def _recap(_: Sender) -> bytes:
    return b"Jenis;Bulan;Masuk\nPBG;2024-01;3\n"


def _image(_: Sender) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    return stream.getvalue()


def _no_bundle(_: Sender) -> bytes:
    return b"PK\x05\x06" + bytes(18)


FILES: dict[str, tuple[str, Callable[[Sender], bytes], int]] = {
    "import_catalog": (ZIP, _service, 403),
    # The cells that are another agency's are named.
    "import_evidence": (XLSX, _evidence, 422),
    "import_simbg_recap": (CSV, _recap, 422),
    "upload_usage_statistics": (CSV, _statistics, 403),
    "post_comment_attachment": (JPEG, _image, 403),
    "post_evidence_attachment": (JPEG, _image, 403),
    # Any agency may bring a bundle; who signed it decides.
    "import_bundle": (ZIP, _no_bundle, 422),
}
"""Media type and content of a file, and how a key of another agency is refused."""

PLACES_OF_FILES: dict[str, Callable[[Sender], dict[str, str]]] = {
    "post_comment_attachment": PLACES["change_comment_state"],
    "post_evidence_attachment": of_own_evidence,
}
FOR_AN_AGENCY = {"upload_usage_statistics": {"agency": "dukcapil"}}
"""Parameters that name another agency."""
