"""The file in a request: as its body, or as a part of a form (multipart/form-data).

PHP's `CURLFile`, Postman and browsers send forms, `curl --data-binary` the body alone.
"""

from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from services.platform.body_types import FORM, MULTIPART, is_json, media_type
from services.platform.languages import Language
from services.platform.problems import (
    FieldError,
    Invalid,
    ProblemError,
    TooLarge,
    UnsupportedMediaType,
)
from services.platform.reader_language import reader_language
from services.platform.translation import N_, Message, translator

MAX_FIELDS = 20
MAX_FIELD_BYTES = 64 * 1024
PART = "file"
"""Name of the part in the API document; a part of another name is read too."""

TOO_LARGE = N_("Berkas paling besar %(limit)s byte; kirim lebih sedikit dalam satu berkas.")
JSON_SENT = N_(
    "Operasi ini membaca berkas, bukan JSON. Kirim isi berkas dengan header Content-Type: "
    "%(header)s, atau sebagai formulir (multipart/form-data)."
)
LINES_LOST = N_(
    "Isi berkas tiba tanpa pergantian baris. Kirim dengan header Content-Type: %(header)s; dengan "
    "curl: --data-binary @berkas, bukan -d @berkas."
)
NOT_A_FORM = N_(
    "Formulir tidak dapat dibaca. Header Content-Type: multipart/form-data harus menyebut boundary "
    "yang dipakai isinya; biarkan program Anda mengisi header ini sendiri."
)
NO_FILE = N_(
    "tidak ada berkas di formulir; kirim sebagai bagian dengan nama berkas, seperti CURLFile di "
    "PHP, jenis File di Postman, atau curl -F file=@berkas"
)
SEVERAL_FILES = N_("ada %(number)s berkas di formulir; kirim satu berkas tiap permintaan")


def file_body(*media_types: str) -> dict[str, Any]:
    """Return the `requestBody` of an operation that reads a file of these types."""
    binary: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
    form: dict[str, Any] = {
        "schema": {
            "type": "object",
            "properties": {PART: {"type": "string", "format": "binary"}},
            "required": [PART],
        }
    }
    content = dict.fromkeys(media_types, binary) | {MULTIPART: form}
    return {"requestBody": {"required": True, "content": content}}


async def read_file(
    request: Request, *, media_type_to_send: str, max_bytes: int, language: Language | None = None
) -> bytes:
    """Return the content of the file in a request.

    Raises:
        TooLarge: It has more than `max_bytes`.
        UnsupportedMediaType: It is JSON, or was sent as a form that it is not.
        ProblemError: The form cannot be read.
        Invalid: The form has no file, or several.
    """
    told = _Told(language or reader_language(request), media_type_to_send)
    content_type = request.headers.get("content-type")
    kind = media_type(content_type)
    if is_json(content_type):
        raise UnsupportedMediaType(told(JSON_SENT), accept=(media_type_to_send, MULTIPART))
    if kind == MULTIPART:
        content = await _file_of_form(request, told, max_bytes)
    else:
        content = await request.body()
        # `curl -d @file` names this type and takes the line ends out.
        if kind == FORM and content and b"\n" not in content and b"\r" not in content:
            raise UnsupportedMediaType(told(LINES_LOST), accept=(media_type_to_send, MULTIPART))
    if len(content) > max_bytes:
        raise TooLarge(told(TOO_LARGE, limit=max_bytes))
    return content


class _Told:
    def __init__(self, language: Language, header: str) -> None:
        self._translator = translator(language)
        self._header = header

    def __call__(self, message: Message, **values: object) -> str:
        return self._translator.translate(message, header=self._header, **values)


async def _file_of_form(request: Request, told: _Told, max_bytes: int) -> bytes:
    try:
        async with request.form(
            max_files=MAX_FIELDS, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES
        ) as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            # A browser sends a part without name and content for a field that is left empty.
            files = [file for file in files if file.filename or file.size]
            if len(files) != 1:
                message = SEVERAL_FILES if files else NO_FILE
                detail = told(message, number=len(files))
                error = FieldError(pointer=f"#/{PART}", parameter=None, detail=detail)
                raise Invalid(detail, errors=[error])
            return await files[0].read(max_bytes + 1)
    except MultiPartException:
        raise ProblemError(told(NOT_A_FORM)) from None
    except HTTPException as error:
        if error.status_code != ProblemError.status:  # of `BodyLimitMiddleware`
            raise
        raise ProblemError(told(NOT_A_FORM)) from None
