"""What is wrong with a field, in the reader's language.

pydantic says it in English only, and in its own terms: "String should match pattern". Its kinds of
errors are said here in ours; a message that a model of the hub raises itself stays as it is.
"""

from collections.abc import Mapping
from typing import Any

from services.platform.languages import Language
from services.platform.translation import N_, Message, localized, translator

OR = N_("atau")
MAX_VALUE = 200
"""Characters of a list of allowed values, or of a pattern, that are told."""

MESSAGES: Mapping[str, Message] = {
    "missing": N_("wajib diisi"),
    "extra_forbidden": N_("tidak dikenal; hapus"),
    "json_invalid": N_("bukan JSON yang benar, mulai karakter ke-%(position)s"),
    "string_type": N_("harus berupa teks"),
    "string_too_short": N_("paling sedikit %(min_length)s karakter"),
    "string_too_long": N_("paling banyak %(max_length)s karakter"),
    "string_pattern_mismatch": N_("tidak sesuai pola '%(pattern)s'"),
    "literal_error": N_("harus salah satu dari %(expected)s"),
    "enum": N_("harus salah satu dari %(expected)s"),
    "int_type": N_("harus berupa bilangan bulat"),
    "int_parsing": N_("harus berupa bilangan bulat"),
    "int_parsing_size": N_("bilangannya terlalu besar"),
    "int_from_float": N_("harus berupa bilangan bulat, tanpa pecahan"),
    "float_type": N_("harus berupa bilangan"),
    "float_parsing": N_("harus berupa bilangan"),
    "finite_number": N_("harus berupa bilangan berhingga"),
    "bool_type": N_("harus true atau false"),
    "bool_parsing": N_("harus true atau false"),
    "greater_than": N_("harus lebih besar dari %(gt)s"),
    "greater_than_equal": N_("paling kecil %(ge)s"),
    "less_than": N_("harus lebih kecil dari %(lt)s"),
    "less_than_equal": N_("paling besar %(le)s"),
    "multiple_of": N_("harus kelipatan %(multiple_of)s"),
    "date_type": N_("harus berupa tanggal, seperti 2024-03-31"),
    "date_parsing": N_("bukan tanggal yang benar; tulis seperti 2024-03-31"),
    "date_from_datetime_parsing": N_("bukan tanggal yang benar; tulis seperti 2024-03-31"),
    "date_from_datetime_inexact": N_("harus tanggal saja, tanpa jam"),
    "datetime_type": N_("harus berupa waktu, seperti 2024-03-31T08:00:00+07:00"),
    "datetime_parsing": N_("bukan waktu yang benar; tulis seperti 2024-03-31T08:00:00+07:00"),
    "datetime_from_date_parsing": N_(
        "bukan waktu yang benar; tulis seperti 2024-03-31T08:00:00+07:00"
    ),
    "timezone_aware": N_("zona waktu wajib disebut, seperti +07:00"),
    "uuid_type": N_("harus berupa UUID"),
    "uuid_parsing": N_("bukan UUID yang benar"),
    "list_type": N_("harus berupa daftar"),
    "tuple_type": N_("harus berupa daftar"),
    "set_type": N_("harus berupa daftar"),
    "dict_type": N_("harus berupa objek"),
    "model_type": N_("harus berupa objek"),
    "model_attributes_type": N_("harus berupa objek"),
    "too_short": N_("paling sedikit %(min_length)s isi, bukan %(actual_length)s"),
    "too_long": N_("paling banyak %(max_length)s isi, bukan %(actual_length)s"),
    "none_required": N_("harus kosong (null)"),
    "union_tag_not_found": N_("%(discriminator)s wajib diisi"),
    "union_tag_invalid": N_("%(discriminator)s harus salah satu dari %(expected_tags)s"),
    "url_parsing": N_("bukan alamat web yang benar"),
    "url_scheme": N_("alamatnya harus dimulai dengan %(expected_schemes)s"),
    "string_unicode": N_("bukan teks UTF-8"),
    "invalid_key": N_("nama isian harus berupa teks"),
}
"""By the type of pydantic's error; values are those of its context."""


class InvalidValueError(ValueError):
    """What a model of the hub finds wrong, in each language; as a text it is English."""

    def __init__(self, message: Message, **values: object) -> None:
        self.localized = localized(message, **values)
        super().__init__(str(self.localized))

    def text(self, language: Language) -> str:
        """Return what is wrong in a language."""
        return self.localized.text(language)


def validation_message(item: Mapping[str, Any], language: Language) -> str:
    """Return what is wrong, of an item of `ValidationError.errors()`."""
    message = MESSAGES.get(item["type"])
    if message is None:
        raised = item.get("ctx", {}).get("error")
        if isinstance(raised, InvalidValueError):
            return raised.text(language)
        return str(item["msg"]).removeprefix("Value error, ")
    values = {name: _shown(value, language) for name, value in item.get("ctx", {}).items()}
    if item["type"] == "json_invalid":
        values["position"] = str(item["loc"][-1])
    try:
        told = translator(language).translate(message, **values)
    except KeyError:  # of an error without its context
        return str(item["msg"])
    return told


def _shown(value: object, language: Language) -> str:
    text = str(value)
    # pydantic joins expected values in English.
    text = text.replace("' or '", f"' {translator(language).translate(OR)} '")
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
