"""What a browser sends as a comment, and what is wrong with it in words for a citizen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from fastapi import Request
from starlette.datastructures import UploadFile

MOST_PHOTOS = 3
FIELDS = (
    "kind", "category", "service", "text", "place", "email", "phone", "website", "form", "consent",
    "public", "id",
)  # fmt: skip
ALIKE = str.maketrans({"I": "1", "L": "1", "O": "0"})


@dataclass(frozen=True)
class Sent:
    """The fields that were filled in, and the photos."""

    fields: Mapping[str, str]
    photos: list[bytes] = field(default_factory=list[bytes])

    @property
    def id(self) -> str:
        """By which a second submission counts once."""
        try:
            return str(UUID(self.fields.get("id", "")))
        except ValueError:
            return str(uuid4())

    def comment(self, language: str) -> dict[str, Any]:
        """The same as a comment of the API."""
        told = {
            name: self.fields[name].strip()
            for name in ("kind", "category", "service", "text", "place", "website", "form")
            if self.fields.get(name, "").strip()
        }
        contact = {
            name: self.fields[name].strip()
            for name in ("email", "phone")
            if self.fields.get(name, "").strip()
        }
        made: dict[str, Any] = told | {
            "language": language,
            "public": bool(self.fields.get("public")),
        }
        if contact:
            made["contact"] = contact | {"consent": self.fields.get("consent", "")}
        return made


async def sent_by(request: Request) -> Sent:
    """The form of a request, with or without files."""
    async with request.form(max_files=MOST_PHOTOS + 2, max_fields=40) as form:
        fields = {
            name: value.replace("\r\n", "\n")
            for name, value in form.multi_items()
            if isinstance(value, str) and name in FIELDS
        }
        photos = [
            content
            for value in form.getlist("photo")
            if isinstance(value, UploadFile) and (content := await value.read())
        ]
    return Sent(fields, photos)


WORD_OF = {
    "#/kind": "fault_choice",
    "#/category": "fault_choice",
    "#/text": "fault_text",
    "#/service": "fault_service",
    "#/contact/email": "fault_email",
    "#/contact/phone": "fault_phone",
    "#/contact/consent": "fault_consent",
}


def faults_of(problem: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, str]:
    """By the name of the field, what is wrong with it."""
    pointers = [str(error.get("pointer")) for error in problem.get("errors", [])]
    return {
        pointer.rpartition("/")[2]: words[WORD_OF[pointer]]
        for pointer in pointers
        if pointer in WORD_OF
    }


def as_ticket(written: str) -> str:
    """A ticket's code as people write it, in the form in which it stands in addresses."""
    symbols = "".join(written.upper().replace("-", "").split()).translate(ALIKE)[:20]
    return "-".join(symbols[start : start + 4] for start in range(0, len(symbols), 4))
