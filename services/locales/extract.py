"""Update the catalogues from the messages in code and templates.

The command is `python -m services.locales.extract`. Messages that are no longer used disappear. New
ones get an empty translation in the languages that are complete, and in those that are named
(`python -m services.locales.extract bbc`); the catalogue of another language holds only what is
translated. The `.po` files are then edited by hand or with any gettext editor.
"""

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from services.platform.languages import COMPLETE_LANGUAGES

SERVICES = Path(__file__).parents[1]
LOCALES = Path(__file__).parent
TEMPLATES = ("gateway/portal/templates/**.html", "collector/templates/**.html")
METHODS = [("**.py", "python"), *((pattern, "jinja2") for pattern in TEMPLATES)]
OPTIONS: dict[str, dict[str, Any]] = {
    pattern: {"newstyle_gettext": "true", "silent": "false"} for pattern in TEMPLATES
}
KEYWORDS: dict[str, Any] = {**DEFAULT_KEYWORDS, "NC_": ((1, "c"), 2)}


def extract_messages() -> Catalog:
    """Return every message that code and templates use."""
    found = Catalog(project="emall", charset="utf-8")
    for file, _, message, comments, context in extract_from_dir(
        SERVICES, METHODS, OPTIONS, KEYWORDS, comment_tags=("translators:",)
    ):
        found.add(message, None, [(f"services/{file}", 0)], auto_comments=comments, context=context)
    return found


def catalogue_files() -> list[Path]:
    """Return the catalogue of each language."""
    return sorted(LOCALES.glob("*/LC_MESSAGES/emall.po"))


def read_catalogue(path: Path) -> Catalog:
    """Return a stored catalogue."""
    with path.open("rb") as source:
        return read_po(source)


def update_catalogues(to_translate: Collection[str] = ()) -> None:
    """Add new messages to the catalogues of complete languages and of those named, and remove
    from every catalogue those that are no longer used."""
    messages = extract_messages()
    for path in catalogue_files():
        catalogue = read_catalogue(path)
        messages.creation_date = catalogue.creation_date
        catalogue.update(messages, no_fuzzy_matching=True)
        if path.parts[-3] not in {*COMPLETE_LANGUAGES, *to_translate}:
            for message in [
                each for each in catalogue if each.id and not "".join(each.string or ())
            ]:
                catalogue.delete(message.id, message.context)
        with path.open("wb") as target:
            write_po(
                target,
                catalogue,
                width=100,
                include_lineno=False,
                ignore_obsolete=True,
                sort_by_file=True,
            )


if __name__ == "__main__":
    update_catalogues(sys.argv[1:])
