"""The Jinja environments of the pages: one for each language, made when it is first used.

Templates are compiled before the gateway is ready, all in a second or three. What comes of it lies
beside the code, as Python's own compiled modules do, so that later starts take none of that; run
`python -m services.gateway.portal.templating` where the hub's account cannot write there.
"""

import hashlib
import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from jinja2 import (
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    StrictUndefined,
    pass_context,
)
from jinja2.bccache import Bucket
from jinja2.runtime import Context
from markupsafe import Markup, escape

from services.gateway.portal.assets import asset
from services.gateway.portal.icons import icon
from services.gateway.portal.labels import CHANNELS
from services.platform.languages import SOURCE_LANGUAGE, Language
from services.platform.translation import translator

TEMPLATES = Path(__file__).parent / "templates"
COMPILED = (
    Path(__file__).parent
    / "__pycache__"
    / f"templates-{hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]}"
)
"""Compiled templates; the name changes with this module, since they depend on its settings."""


class CompiledTemplates(FileSystemBytecodeCache):
    """Files with the code of templates, for every account that may read the templates."""

    def path_of(self, name: str, file: str) -> Path:
        """Return where the code of a template lies."""
        return Path(self.directory, self.pattern % (self.get_cache_key(name, file),))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write the code of a template, if that may be written here."""
        with suppress(OSError):
            super().dump_bytecode(bucket)
            Path(self._get_cache_filename(bucket)).chmod(0o644)


@cache
def environment(language: Language) -> Environment:
    """Return the environment whose templates speak a language.

    Its globals are what every template and imported macro can use: the messages (`_`, `ngettext`,
    `pgettext`), formats of numbers, fields of bilingual data, and the query that keeps the
    language in links.
    """
    messages = translator(language)
    made = Environment(
        bytecode_cache=CompiledTemplates(str(COMPILED)),
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
        "messages": messages,
        "suffix": f"?lang={language}" if is_translated else "",
        "joined": f"&lang={language}" if is_translated else "",
        "channels": messages.labels(CHANNELS),
        "in_language": messages.field,
        "choose": messages.choose,
        "icon": icon,
        "number": messages.number,
        "percent": messages.percent,
    }
    made.globals.update(shared)
    filters: dict[str, Any] = {"with_code": with_code, "asset": current_asset, "host": host}
    made.filters.update(filters)
    return made


def compile_templates() -> None:
    """Compile the templates whose code does not lie beside this module, or is of another text.

    Code has the time of its template, by which both are known to belong together without being
    read. Where they only seem to, Jinja finds out by the text, and compiles it when it is used.
    """
    if not sys.dont_write_bytecode:
        with suppress(OSError):
            COMPILED.mkdir(parents=True, exist_ok=True)
    if not os.access(COMPILED, os.W_OK):
        return
    made = environment(SOURCE_LANGUAGE)
    loader, stored = FileSystemLoader(TEMPLATES), CompiledTemplates(str(COMPILED))
    for name in loader.list_templates():
        template = TEMPLATES / name
        code = stored.path_of(name, str(template))
        changed = template.stat().st_mtime_ns
        if _time_of(code) == changed:
            continue
        source, file, _ = loader.get_source(made, name)
        bucket = stored.get_bucket(made, name, file, source)
        if bucket.code is None:
            bucket.code = made.compile(source, name, file)
            stored.set_bucket(bucket)
        with suppress(OSError):
            os.utime(code, ns=(changed, changed))


def _time_of(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


@pass_context
def current_asset(_: Context, name: str) -> str:
    """Return the address of a file now, and not when the template is compiled."""
    return asset(name)


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


if __name__ == "__main__":
    sys.dont_write_bytecode = False
    compile_templates()
