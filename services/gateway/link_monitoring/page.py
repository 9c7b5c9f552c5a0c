"""What a page shows: its title, its text, and where it leads without a click.

Pure, and one pass over the page whatever it contains, because it comes from strangers. No parser of
HTML is used: what is needed are words and a few elements, also of pages that are cut off.
"""

import html
import re
from dataclasses import dataclass, field

MAX_REFRESH_SECONDS = 5
"""A page that leads on later is one to be read."""

MAX_FORWARDING_TEXT = 500
"""Characters of text up to which a page only leads on to another one."""

MARKUP = re.compile(r"<(?=[a-zA-Z/!?])")
"""The beginning of a tag or comment; any other angle bracket is text."""

TAG_NAME = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})")
SPACE = re.compile(r"[\s\u200b\ufeff]+")
"""Blanks, and characters that show nothing."""
CLOSING = {
    name: re.compile(rf"</{name}", re.IGNORECASE)
    for name in ("script", "style", "noscript", "template", "title", "textarea")
}
"""Elements whose content is no markup, or is not shown."""

CONTENT_ELEMENTS = frozenset(
    {"script", "iframe", "frame", "img", "svg", "canvas", "object", "embed", "video", "input"}
    | {"button", "picture", "applet"}
)
"""Elements that show something without text, or load it."""

BLOCK_ELEMENTS = frozenset({"h1", "h2", "h3", "p", "div", "br", "li", "td", "th", "tr", "pre"})
REFRESH = re.compile(
    r"\s*(\d{1,9})?(?:\.\d*)?\s*[;,]?\s*(?:url\s*=\s*)?[\"']?([^\"']*)", re.IGNORECASE
)
SCRIPT_LOCATION = re.compile(
    r"location(?:\.href)?\s{0,9}=\s{0,9}[\"']([^\"'\\<>]{1,500})[\"']"
    r"|location\.(?:replace|assign)\(\s{0,9}[\"']([^\"'\\<>]{1,500})[\"']"
)
CONDITION = re.compile(r"\bif\b|\bswitch\b|\?|document\.cookie")


def _attribute(name: str) -> re.Pattern[str]:
    return re.compile(
        rf"[\s\"'/]{name}\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE
    )


ATTRIBUTES = {
    name: _attribute(name)
    for name in ("href", "type", "http-equiv", "content", "name", "property", "onload")
}


@dataclass(frozen=True)
class Page:
    """What a page shows and does by itself."""

    title: str = ""
    headings: tuple[str, ...] = ()
    """Texts of its main headings (`h1`)."""
    description: str = ""
    """What it tells search engines of itself."""
    text: str = ""
    """Visible text, without the title."""
    text_outside_forms: str = ""
    links: frozenset[str] = frozenset()
    """Addresses that it links to outside forms."""
    asks_password: bool = False
    has_elements: bool = False
    """Whether it has elements that show something without text, or load it."""
    scripts: str = ""
    """Inline scripts."""
    refresh: str | None = None
    """Address to which it leads on by `meta refresh`, within seconds."""

    @property
    def is_blank(self) -> bool:
        """Whether a browser shows nothing."""
        return not self.text and not self.has_elements

    @property
    def next_address(self) -> str | None:
        """Address to which it leads on without a click: by `meta refresh`, or a plain script.

        Of scripts only one assignment of an address, under no condition, is understood.
        """
        if len(self.text) > MAX_FORWARDING_TEXT:
            return None
        if self.refresh is not None:
            return self.refresh
        found = SCRIPT_LOCATION.findall(self.scripts)
        if len(found) != 1 or CONDITION.search(self.scripts):
            return None
        return found[0][0] or found[0][1]


@dataclass
class _Reader:
    """The state of one pass over a page."""

    title: str = ""
    text: list[str] = field(default_factory=list[str])
    outside_forms: list[str] = field(default_factory=list[str])
    headings: list[str] = field(default_factory=list[str])
    descriptions: list[str] = field(default_factory=list[str])
    links: set[str] = field(default_factory=set[str])
    scripts: list[str] = field(default_factory=list[str])
    refresh: str | None = None
    asks_password: bool = False
    has_elements: bool = False
    in_form: bool = False
    heading: list[str] | None = None

    def add_text(self, text: str) -> None:
        self.text.append(text)
        if not self.in_form:
            self.outside_forms.append(text)
        if self.heading is not None:
            self.heading.append(text)

    def open(self, name: str, tag: str) -> None:
        self.has_elements |= name in CONTENT_ELEMENTS
        if name in BLOCK_ELEMENTS:
            self.add_text(" ")
        if name == "form":
            self.in_form = True
        elif name == "h1":
            self.heading = []
        elif name == "a" and not self.in_form:
            self.links.add(_value(tag, "href"))
        elif name == "input":
            self.asks_password |= _value(tag, "type").lower() == "password"
        elif name == "meta":
            self._read_meta(tag)
        elif name == "body" and (script := _value(tag, "onload")):
            self.scripts.append(script)

    def close(self, name: str) -> None:
        if name in BLOCK_ELEMENTS:
            self.add_text(" ")
        if name == "form":
            self.in_form = False
        elif name == "h1" and self.heading is not None:
            self.headings.append(_clean("".join(self.heading)))
            self.heading = None

    def _read_meta(self, tag: str) -> None:
        content = _value(tag, "content")
        kind = (_value(tag, "name") or _value(tag, "property")).lower()
        if kind in {"description", "og:title", "og:description", "keywords"}:
            self.descriptions.append(content)
        if _value(tag, "http-equiv").lower() == "refresh":
            self.refresh = refresh_address(content) or self.refresh

    def page(self) -> Page:
        if self.heading is not None:
            self.headings.append(_clean("".join(self.heading)))
        return Page(
            title=_clean(self.title),
            headings=tuple(heading for heading in self.headings if heading),
            description=_clean(" ".join(self.descriptions)),
            text=_clean("".join(self.text)),
            text_outside_forms=_clean("".join(self.outside_forms)),
            links=frozenset(link for link in self.links if link and not link.startswith("#")),
            asks_password=self.asks_password,
            has_elements=self.has_elements,
            scripts="\n".join(self.scripts),
            refresh=self.refresh,
        )


def refresh_address(content: str) -> str | None:
    """Return where `meta refresh`, or a header `Refresh`, leads on within seconds."""
    match = REFRESH.match(content)
    if match and match[2].strip() and int(match[1] or 0) <= MAX_REFRESH_SECONDS:
        return match[2].strip()
    return None


def read_page(source: str) -> Page:
    """Return what a page shows; it may be cut off anywhere."""
    reader = _Reader()
    position = 0
    while True:
        markup = MARKUP.search(source, position)
        if markup is None:
            reader.add_text(source[position:])
            break
        start = markup.start()
        reader.add_text(source[position:start])
        if source.startswith("<!--", start):
            end = source.find("-->", start + 4)
            if end < 0:
                break
            position = end + 3
            continue
        tag = TAG_NAME.match(source, start)
        end = source.find(">", start)
        if end < 0:
            break
        position = end + 1
        if tag is not None:
            position = _read_element(reader, source, tag, end)
            if position < 0:
                break
    return reader.page()


def _read_element(reader: _Reader, source: str, tag: re.Match[str], end: int) -> int:
    """Read a tag, with the content of an element that has no markup; -1 if that has no end."""
    name = tag[2].lower()
    if tag[1]:
        reader.close(name)
        return end + 1
    reader.open(name, source[tag.start() : end])
    if name not in CLOSING:
        return end + 1
    closing = CLOSING[name].search(source, end + 1)
    content = source[end + 1 : closing.start() if closing else None]
    if name == "title" and not reader.title:
        reader.title = content
    elif name == "script":
        reader.scripts.append(content)
    return closing.start() if closing else -1


def _value(tag: str, name: str) -> str:
    """Return the value of an attribute; empty if the tag has none."""
    match = ATTRIBUTES[name].search(tag)
    return html.unescape(match[1] or match[2] or match[3] or "").strip() if match else ""


def _clean(text: str) -> str:
    return SPACE.sub(" ", html.unescape(text)).strip()
