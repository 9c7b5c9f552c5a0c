"""The forms of pages, as a browser would send them."""

from html.parser import HTMLParser


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.ids: set[str] = set()
        self.links: list[str] = []
        self._text: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name"), given.get("value") or ""
        if "id" in given:
            self.ids.add(given["id"] or "")
        if tag == "a":
            self.links.append(given.get("href") or "")
        if tag == "input" and name and (given.get("type") != "checkbox" or "checked" in given):
            self.fields[name] = value
        if tag == "textarea" and name:
            self._text, self.fields[name] = name, ""
        if tag == "select" and name:
            self._select = name
        is_first = self._select is not None and self._select not in self.fields
        if tag == "option" and self._select and (is_first or "selected" in given):
            self.fields[self._select] = value

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self.fields[self._text] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = None
        if tag == "select":
            self._select = None


def form_fields(html: str) -> dict[str, str]:
    """Return the fields of a page's forms, as they are filled in."""
    reader = _FormReader()
    reader.feed(html)
    return reader.fields


def errors_without_field(html: str) -> list[str]:
    """Return the links of a page to fields that it does not have."""
    reader = _FormReader()
    reader.feed(html)
    return [link for link in reader.links if link[:1] == "#" and link[1:] not in reader.ids]
