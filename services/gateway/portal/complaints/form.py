"""The complaint form: the submitted fields, and messages for the fields in error."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from fastapi import Request
from starlette.datastructures import UploadFile

from services.platform.personal_data import PersonalDataKind, mask_personal_data
from services.platform.problems import Problem
from services.platform.translation import N_, Message, Translator
from services.platform.types import normalise_line_breaks

MAX_PHOTOS = 3
FIELDS = (
    "kind", "category", "service", "text", "place", "email", "phone", "website", "form_token",
    "consent", "public", "id", "kunci", "personal_data", "confirmed",
)  # fmt: skip
LOOKALIKES = str.maketrans({"I": "1", "L": "1", "O": "0"})
"""Letters that no ticket's code has, and the digits that they are read as."""

PLEASE_CORRECT = N_("Pesan belum terkirim; lihat tanda merah di bawah.")
NOT_SENT = N_("Pesan belum terkirim karena gangguan. Silakan kirim lagi; tidak tercatat dua kali.")
UNKNOWN_TICKET = N_("Tiket tidak ditemukan. Periksa lagi setiap huruf dan angka.")

_CHOOSE_ONE = N_("Pilih salah satu.")
FIELD_ERRORS: Mapping[str, Message] = {
    "#/kind": _CHOOSE_ONE,
    "#/category": _CHOOSE_ONE,
    "#/text": N_("Tulis 3 sampai 4.000 huruf."),
    "#/service": N_("Layanan ini tidak dikenal."),
    "#/contact/email": N_("Alamat surel tidak benar."),
    "#/contact/phone": N_("Nomor telepon tidak benar."),
    "#/contact/consent": N_(
        "Kontak hanya disimpan dengan persetujuan Anda: centang, atau kosongkan kontak."
    ),
}
"""Messages by the pointer that a problem document gives."""


PERSONAL_DATA_KINDS: Mapping[PersonalDataKind, Message] = {
    "identity_number": N_("NIK atau nomor KK"),
    "phone": N_("nomor telepon"),
    "email": N_("alamat surel"),
}


@dataclass(frozen=True)
class FoundPersonalData:
    """Personal data in a submission, about which its writer has not decided yet."""

    kinds: list[PersonalDataKind]
    masked: list[str]
    """The fields as they read without it."""


@dataclass(frozen=True)
class Submission:
    """The submitted fields and photos."""

    fields: Mapping[str, str]
    photos: list[bytes] = field(default_factory=list[bytes])

    @property
    def id(self) -> str:
        """The id of the form, by which a repeated submission counts once."""
        try:
            return str(UUID(self.fields.get("id", "")))
        except ValueError:
            return str(uuid4())

    @property
    def keeps_personal_data(self) -> bool:
        """Whether the writer wants the agency to read personal data in the text."""
        return self.fields.get("personal_data") == "keep"

    def undecided_personal_data(self) -> FoundPersonalData | None:
        """Return the personal data in the text and place, unless the writer decided about it."""
        if self.fields.get("personal_data") in {"keep", "mask"}:
            return None
        texts = (self.fields.get(name, "").strip() for name in ("text", "place"))
        found = [masked for masked in map(mask_personal_data, texts) if masked.kinds]
        if not found:
            return None
        kinds: dict[PersonalDataKind, None] = dict.fromkeys(
            kind for masked in found for kind in masked.kinds
        )
        return FoundPersonalData(list(kinds), [masked.text for masked in found])

    def to_comment(self, language: str) -> dict[str, object]:
        """Return the submission as a comment of the API."""
        comment: dict[str, object] = {
            **self._filled("kind", "category", "service", "text", "place", "website", "form_token"),
            "language": language,
            "public": bool(self.fields.get("public")),
            "keep_personal_data": self.keeps_personal_data,
        }
        if contact := self._filled("email", "phone"):
            comment["contact"] = {**contact, "consent": self.fields.get("consent", "")}
        return comment

    def correction(self) -> dict[str, object]:
        """Return the submission as a correction of a comment."""
        return {**self._filled("text", "place")}

    def _filled(self, *names: str) -> dict[str, str]:
        values = {name: self.fields.get(name, "").strip() for name in names}
        return {name: value for name, value in values.items() if value}


async def read_submission(request: Request) -> Submission:
    """Return the submitted form, with or without files."""
    async with request.form(max_files=MAX_PHOTOS + 2, max_fields=40) as form:
        fields = {
            name: normalise_line_breaks(value)
            for name, value in form.multi_items()
            if isinstance(value, str) and name in FIELDS
        }
        photos = [
            content
            for value in form.getlist("photo")
            if isinstance(value, UploadFile) and (content := await value.read())
        ]
    return Submission(fields, photos)


def field_errors(problem: Problem, messages: Translator) -> dict[str, str]:
    """Return the message for each field that a problem document names."""
    pointers = [error.pointer or "" for error in problem.errors]
    return {
        pointer.rpartition("/")[2]: messages.translate(FIELD_ERRORS[pointer])
        for pointer in pointers
        if pointer in FIELD_ERRORS
    }


def normalise_ticket(typed: str) -> str:
    """Return a ticket's code in the form of its address, however it was typed."""
    symbols = "".join(typed.upper().replace("-", "").split()).translate(LOOKALIKES)[:20]
    return "-".join(symbols[start : start + 4] for start in range(0, len(symbols), 4))
