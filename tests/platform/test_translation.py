"""Messages: each is translated, keeps its placeholders, and comes from the code."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from services.locales.extract import (
    SERVICES,
    catalogue_files,
    extract_messages,
    read_catalogue,
)
from services.platform.languages import (
    COMPLETE_LANGUAGES,
    LANGUAGE_NAMES,
    SOURCE_LANGUAGE,
    Language,
)
from services.platform.translation import N_, NC_, translator

COMPARED_TO_A_LANGUAGE = re.compile(r"""[!=]= ?["'](en|id|bbc)["']|["'](en|id|bbc)["'] ?[!=]=""")
PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]|%%")


@pytest.fixture(scope="module")
def used() -> Catalog:
    return extract_messages()


def messages_of(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def key(message: Message) -> tuple[str | None, object]:
    return message.context, message.id


def strings(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value]  # pyright: ignore[reportGeneralTypeIssues]


def test_there_is_a_catalogue_for_every_language_but_the_source() -> None:
    languages = {path.parts[-3] for path in catalogue_files()}
    assert languages == set(LANGUAGE_NAMES) - {SOURCE_LANGUAGE}


@pytest.mark.parametrize("path", catalogue_files(), ids=lambda path: path.parts[-3])
def test_the_catalogues_hold_the_messages_in_use_and_no_others(path: Path, used: Catalog) -> None:
    stored = {key(message) for message in messages_of(read_catalogue(path))}
    wanted = {key(message) for message in messages_of(used)}
    remedy = "run `make messages` and translate the new ones"
    if path.parts[-3] in COMPLETE_LANGUAGES:
        assert sorted(wanted - stored, key=str) == [], remedy
    assert sorted(stored - wanted, key=str) == [], remedy


@pytest.mark.parametrize("language", sorted({*COMPLETE_LANGUAGES} - {SOURCE_LANGUAGE}))
def test_every_message_of_a_complete_language_is_translated_and_not_fuzzy(language: str) -> None:
    [path] = [each for each in catalogue_files() if each.parts[-3] == language]
    missing = [
        message.id
        for message in messages_of(read_catalogue(path))
        if message.fuzzy or not all(strings(message.string or ""))
    ]
    assert missing == []


@pytest.mark.parametrize("path", catalogue_files(), ids=lambda path: path.parts[-3])
def test_a_translation_has_the_placeholders_of_its_message_and_no_markup(path: Path) -> None:
    for message in messages_of(read_catalogue(path)):
        wanted = set(PLACEHOLDER.findall(strings(message.id)[0]))
        for string in filter(None, strings(message.string or "")):
            assert set(PLACEHOLDER.findall(string)) == wanted, message.id
            # Templates trust translations, as they trust themselves.
            assert not set(string) & set("<>&"), message.id
            assert string % dict.fromkeys(wanted, 1)


def test_a_message_without_a_translation_is_in_the_source_language() -> None:
    partial = translator("bbc")
    assert partial.gettext("Terima kasih!") == "Mauliate!"
    assert partial.gettext("Instansi") == "Instansi"
    assert partial.number(1234.5, 1) == "1.234,5"


def test_no_code_compares_a_language_with_a_name() -> None:
    found = [
        f"{path.relative_to(SERVICES)}: {line.strip()}"
        for path in sorted(SERVICES.rglob("*"))
        if path.suffix in {".py", ".html", ".typ"}
        for line in path.read_text().splitlines()
        if COMPARED_TO_A_LANGUAGE.search(line)
    ]
    assert found == []


def test_contexts_counts_and_values_are_translated() -> None:
    english = translator("en")
    assert english.translate(NC_("complaint", "Selesai")) == "Closed"
    assert english.translate(NC_("applications", "Selesai")) == "Completed"
    assert english.translate(N_("menelepon %(agency)s"), agency="PTSP") == "phone PTSP"
    two = "%(num)s hari kerja lagi"
    left = ["1 working day left", "2 working days left"]
    assert [english.ngettext(two, two, n) for n in (1, 2)] == left
    assert translator("id").ngettext(two, two, 1) == "1 hari kerja lagi"


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("id", ["1.234.567", "3,19", "12,5%", "7 Agustus 2026", "Agu 2026", "09.40"]),
        ("en", ["1,234,567", "3.19", "12.5%", "7 August 2026", "Aug 2026", "09:40"]),
    ],
)
def test_numbers_and_dates_are_written_as_in_the_country(
    language: Language, expected: list[str]
) -> None:
    formats = translator(language)
    day = date(2026, 8, 7)
    assert [
        formats.number(1234567),
        formats.number(3.185, 2),
        formats.percent(0.125, 1),
        formats.long_date(day),
        formats.short_month(day),
        formats.clock(datetime(2026, 8, 7, 9, 40, tzinfo=UTC)),
    ] == expected


@pytest.mark.parametrize("value", [1e28, -1e30, 1.7976931348623157e308, 5e-324])
def test_a_number_of_any_size_is_written(value: float) -> None:
    formats = translator("en")
    assert float(formats.number(value, 2).replace(",", "")) == pytest.approx(value)
    assert formats.percent(value, 1).endswith("%")
