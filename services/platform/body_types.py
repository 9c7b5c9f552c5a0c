"""What a request body is, by its header or, without one, by its beginning (RFC 9110, 8.3)."""

from collections.abc import Sequence

from fastapi import Request, params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import Receive

from services.platform.languages import Language
from services.platform.translation import N_, translator

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

A_FORM = N_("formulir")
WRONG_TYPE = N_(
    "Isi permintaan berjenis %(given)s, sedangkan operasi ini membaca %(expected)s. Kirim dengan "
    "header Content-Type: %(header)s."
)
NO_TYPE = N_(
    "Permintaan tidak menyebut jenis isinya, dan isinya bukan %(expected)s. Kirim %(expected)s "
    "dengan header Content-Type: %(header)s."
)


def media_type(content_type: str | None) -> str:
    """Return the media type of a `Content-Type` in lower case, without parameters."""
    return (content_type or "").partition(";")[0].strip().lower()


def is_json(content_type: str | None) -> bool:
    """Return whether a type is JSON, as FastAPI reads it."""
    kind = media_type(content_type)
    return kind == JSON or (kind.startswith("application/") and kind.endswith("+json"))


def begins_as_json(body: bytes) -> bool:
    """Return whether a body begins as an object or an array does."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}


async def peek_body(receive: Receive) -> tuple[bytes, Receive]:
    """Return the beginning of a body that is not blank, and a `receive` that gives it again."""
    messages = [await receive()]
    while not (beginning := messages[-1].get("body", b"")).strip() and messages[-1].get(
        "more_body", False
    ):
        messages.append(await receive())
    messages.reverse()

    async def received() -> object:
        return messages.pop() if messages else await receive()

    return beginning, received  # type: ignore[return-value]


def wrong_type(
    request: Request, error: RequestValidationError, language: Language
) -> tuple[str, Sequence[str]] | None:
    """Return what to change if a body was not read because of its type, and the types to send.

    None if the type is right, or nothing was sent.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or route.body_field is None:
        return None
    if not any(item["loc"][:1] == ("body",) for item in error.errors()[:1]):
        return None
    if request.headers.get("content-length") == "0" or error.body is None or error.body == b"":
        return None
    given = media_type(request.headers.get("content-type"))
    is_form = isinstance(route.body_field.field_info, params.Form)
    types = (FORM, MULTIPART) if is_form else (JSON,)
    if given in types or (not is_form and is_json(given)):
        return None
    translate = translator(language).translate
    expected = translate(A_FORM) if is_form else "JSON"
    told = translate(
        WRONG_TYPE if given else NO_TYPE, given=given[:80], expected=expected, header=types[0]
    )
    return told, types
