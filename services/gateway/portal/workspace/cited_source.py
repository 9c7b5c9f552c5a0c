"""The field of a form that names the document on which evidence rests (pure)."""

import hashlib
import re

from pydantic import TypeAdapter, ValidationError

from services.platform.packs import Source, SourceKind
from services.platform.translation import N_, Message
from services.platform.types import HttpsUrl, ShortText

NO_ADDRESS = N_("Alamat ini tidak lengkap. Salin seluruhnya, seperti https://contoh.go.id/notula.")
UNREADABLE = N_("Isian ini memuat karakter yang tidak dapat disimpan. Ketik ulang.")
TOO_LONG_TITLE = N_("Judul dokumen paling banyak 300 karakter.")
MAX_TITLE = 300

_SHORT: TypeAdapter[str] = TypeAdapter(ShortText)
_ADDRESS: TypeAdapter[str] = TypeAdapter(HttpsUrl)
_LOOKS_LIKE_ADDRESS = re.compile(r"https?:", re.IGNORECASE)


class SourceTextError(Exception):
    """What was typed names no document; `message` says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.text)
        self.message = message


def source_of(typed: str, *, prefix: str, kind: SourceKind = "publication", note: str) -> Source:
    """Return the document that was named by its title or its address on the web.

    Its id follows from what was typed, so that the same document is one source. Raise
    `SourceTextError` if neither is right.
    """
    url = None
    if _LOOKS_LIKE_ADDRESS.match(typed):
        try:
            url = _ADDRESS.validate_python(typed)
        except ValidationError:
            raise SourceTextError(NO_ADDRESS) from None
    elif len(typed) > MAX_TITLE:
        raise SourceTextError(TOO_LONG_TITLE)
    else:
        try:
            _SHORT.validate_python(typed)
        except ValidationError:
            raise SourceTextError(UNREADABLE) from None
    return Source.model_validate(
        {
            "id": f"{prefix}-{hashlib.sha256(typed.encode()).hexdigest()[:16]}",
            "title": typed[:MAX_TITLE],
            "kind": kind if url is None else "website",
            "url": url,
            "note": note,
        }
    )
