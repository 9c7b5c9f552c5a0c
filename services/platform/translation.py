"""Messages, numbers and dates in a reader's language (gettext and Babel).

The messages in code and templates are Indonesian, the source language. Their translations are in
`services/locales/{language}/LC_MESSAGES/emall.po`; a message without one appears in Indonesian.
Catalogues are compiled in memory when a language is first used, so neither a checkout nor a wheel
needs a build step. `python -m services.locales.extract` updates them from the code.
"""

import gettext
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, localcontext
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from services.platform.languages import SOURCE_LANGUAGE, Language

CATALOGUES = Path(__file__).parents[1] / "locales"

CLDR_LOCALES: Mapping[Language, str] = {"id": "id", "en": "en_GB", "bbc": "id"}
"""Whose formats of numbers and dates a language uses; the CLDR has no Batak Toba."""

_DIGITS = 400
"""Digits of the largest number that a float can hold, with decimals."""
_LANGUAGES_OF_FIELDS: frozenset[Language] = frozenset({"en"})
"""Languages, besides Indonesian, in which the catalogue's data has names and texts."""


@dataclass(frozen=True)
class Message:
    """A message to translate when it is used, as tables of labels hold them."""

    text: str
    context: str | None = None


@dataclass(frozen=True)
class LocalizedText:
    """A message with its values, told in the language of whoever reads it; as a text English."""

    message: Message
    values: Mapping[str, object]

    def text(self, language: Language) -> str:
        """Return it in a language."""
        return translator(language).translate(self.message, **self.values)

    def __str__(self) -> str:
        return self.text("en")


def localized(message: Message, **values: object) -> LocalizedText:
    """Return a text with the values that its message names."""
    return LocalizedText(message, values)


def N_(text: str) -> Message:  # noqa: N802
    """Mark a message for extraction without translating it (the gettext convention)."""
    return Message(text)


def NC_(context: str, text: str) -> Message:  # noqa: N802
    """Mark a message that needs a context, as `pgettext` does, without translating it."""
    return Message(text, context)


@dataclass(frozen=True)
class Translator:
    """Translates messages into one language and formats numbers and dates as it writes them.

    Messages name their values as `%(name)s`; a percent sign is written `%%`.
    """

    language: Language
    locale: Locale

    @property
    def catalogue(self) -> gettext.NullTranslations:
        """The compiled catalogue, read when the first message is translated."""
        return _catalogue(self.language)

    def gettext(self, message: str, **values: object) -> str:
        """Return the translation of a message with its values filled in."""
        return self.catalogue.gettext(message) % values

    def pgettext(self, context: str, message: str, **values: object) -> str:
        """Return the translation of a message whose meaning depends on its context."""
        return self.catalogue.pgettext(context, message) % values

    def ngettext(self, singular: str, plural: str, n: int, **values: object) -> str:
        """Return the translation for a count, which is the value `num` too."""
        return self.catalogue.ngettext(singular, plural, n) % {"num": n, **values}

    def translate(self, message: Message, **values: object) -> str:
        """Return the translation of a message from a table."""
        if message.context is None:
            return self.gettext(message.text, **values)
        return self.pgettext(message.context, message.text, **values)

    def labels(self, table: Mapping[Any, Message]) -> dict[str, str]:
        """Return a table of messages in the language, by the same codes."""
        return {code: self.translate(message) for code, message in table.items()}

    def field(self, item: object, name: str) -> Any:
        """Return a field of a model or mapping that has `name` and, in English, `name_en`.

        Other languages read `translations`, by the language's tag, if the model has them, and the
        Indonesian field if there is no text; a missing English text is None.
        """
        if self.language in _LANGUAGES_OF_FIELDS:
            translated = f"{name}_{self.language}"
            if isinstance(item, Mapping):
                return cast("Mapping[str, Any]", item).get(translated)
            return getattr(item, translated, None)
        if isinstance(item, Mapping):
            return cast("Mapping[str, Any]", item)[name]
        if self.language == SOURCE_LANGUAGE:
            return getattr(item, name)
        translations: Mapping[str, object] = getattr(item, "translations", {})
        return getattr(translations.get(self.language), name, None) or getattr(item, name)

    def choose(self, text: str, **translations: str | None) -> str:
        """Return the translation for the language, as `en=...`, or the Indonesian text."""
        return translations.get(self.language) or text

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with grouped thousands, such as `1.234,5`."""
        return _number(self.locale, value, digits, is_negative_zero(value))

    def percent(self, share: float, digits: int = 0) -> str:
        """Return a share of 0-1 in percent, such as `99,9%`."""
        return _percent(self.locale, share, digits, is_negative_zero(share))

    def long_date(self, day: date) -> str:
        """Return a day with its year, such as `17 Desember 2026`."""
        return format_date(day, "long", locale=self.locale)

    def days_ago(self, day: date, *, today: date) -> str:
        """Return how long ago a day was, such as `3 bulan yang lalu`."""
        if day >= today:
            return self.gettext("hari ini")
        return format_timedelta(
            day - today, granularity="day", add_direction=True, locale=self.locale
        )

    def day_of_year(self, day: date) -> str:
        """Return a day without its year, such as `17 Desember`."""
        return format_skeleton("MMMMd", day, locale=self.locale)

    def month(self, month: date) -> str:
        """Return a month with its year, such as `Desember 2026`."""
        return format_skeleton("yMMMM", month, locale=self.locale)

    def month_name(self, number: int) -> str:
        """Return the name of a month (1-12), such as `Desember`."""
        return self.locale.months["stand-alone"]["wide"][number]

    def short_month(self, month: date) -> str:
        """Return a month with its year in few letters, such as `Des 2026`."""
        return format_skeleton("yMMM", month, locale=self.locale)

    def month_abbreviation(self, number: int) -> str:
        """Return the name of a month (1-12) in few letters, such as `Des`."""
        return self.locale.months["stand-alone"]["abbreviated"][number]

    def clock(self, moment: datetime) -> str:
        """Return the time of day, such as `09.40`."""
        return format_time(moment.time(), "short", locale=self.locale)


def is_negative_zero(value: float) -> bool:
    """Return whether a value is -0.0, which as a key of a cache is equal to 0."""
    return not value and math.copysign(1, value) < 0


@lru_cache(maxsize=4096)
def _number(locale: Locale, value: float, digits: int, _: bool) -> str:
    pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
    with localcontext(prec=_DIGITS):
        return format_decimal(Decimal(value), format=pattern, locale=locale)


@lru_cache(maxsize=1024)
def _percent(locale: Locale, share: float, digits: int, _: bool) -> str:
    pattern = f"#,##0.{'0' * digits}%" if digits else "#,##0%"
    with localcontext(prec=_DIGITS):
        return format_percent(Decimal(share), format=pattern, locale=locale)


@cache
def translator(language: Language) -> Translator:
    """Return the translator of a language, made once in a process."""
    return Translator(language, Locale.parse(CLDR_LOCALES[language]))


@cache
def _catalogue(language: Language) -> gettext.NullTranslations:
    if language == SOURCE_LANGUAGE:
        return gettext.NullTranslations()
    path = CATALOGUES / language / "LC_MESSAGES" / "emall.po"
    compiled = io.BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=None))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
