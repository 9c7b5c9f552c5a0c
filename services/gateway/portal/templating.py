"""The Jinja environments of the pages: one for each language, made when it is first used."""

from functools import cache
from pathlib import Path
from typing import Any

import httpx
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from services.gateway.portal.assets import asset
from services.gateway.portal.labels import CHANNELS
from services.platform.languages import SOURCE_LANGUAGE, Language
from services.platform.translation import translator

TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment(language: Language) -> Environment:
    """Return the environment whose templates speak a language.

    Its globals are what every template and imported macro can use: the messages (`_`, `ngettext`,
    `pgettext`), formats of numbers, fields of bilingual data, and the query that keeps the
    language in links.
    """
    messages = translator(language)
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(  # pyright: ignore[reportAttributeAccessIssue]
        messages.catalogue.gettext,
        messages.catalogue.ngettext,
        newstyle=True,
        pgettext=messages.catalogue.pgettext,
        npgettext=messages.catalogue.npgettext,
    )
    is_translated = language != SOURCE_LANGUAGE
    shared: dict[str, Any] = {
        "language": language,
        "source_language": SOURCE_LANGUAGE,
        "suffix": f"?lang={language}" if is_translated else "",
        "joined": f"&lang={language}" if is_translated else "",
        "channels": messages.labels(CHANNELS),
        "in_language": messages.field,
        "choose": messages.choose,
        "number": messages.number,
        "percent": messages.percent,
    }
    made.globals.update(shared)
    made.filters.update(with_code=with_code, asset=asset, host=host)
    return made


def host(url: str) -> str:
    """Return the site of an address as citizens know it, without `www.`."""
    return httpx.URL(url).host.removeprefix("www.")


def with_code(text: str) -> Markup:
    """Return a text whose parts between backticks are `<code>`."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if odd % 2 else escape(part)
        for odd, part in enumerate(parts)
    )
