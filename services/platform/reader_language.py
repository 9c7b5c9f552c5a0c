"""The language in which a reader of a problem document is told what to change."""

from fastapi import Request

from services.platform.languages import Language

DEFAULT: Language = "en"
"""For programs, which say nothing about a language."""
MAX_LANGUAGES = 20
BY_TAG: dict[str, Language] = {"id": "id", "in": "id", "bbc": "id", "ms": "id", "en": "en"}
"""By primary subtag; `in` is the old code of Indonesian."""


def reader_language(request: Request) -> Language:
    """Return the language of the query parameter `lang`, else that of `Accept-Language`.

    RFC 9110, 12.5.4; among equal weights the first.
    """
    asked = BY_TAG.get(request.query_params.get("lang", ""))
    if asked is not None:
        return asked
    best, weight = DEFAULT, 0.0
    for part in request.headers.get("accept-language", "").split(",")[:MAX_LANGUAGES]:
        tag, _, parameter = part.partition(";")
        language = BY_TAG.get(tag.strip().lower().partition("-")[0])
        if language is not None and (given := _weight(parameter)) > weight:
            best, weight = language, given
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
