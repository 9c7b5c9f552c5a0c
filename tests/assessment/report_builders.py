"""Builders of reports, and readers of what they show."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import BytesIO
from uuid import UUID

from pypdf import PdfReader

from services.assessment.assessments.operations import StoredAssessment
from services.assessment.methods.definition import CollaborationMethod, LevelsMethod
from services.assessment.methods.library import read_methods
from services.assessment.reports.composition import compose
from services.assessment.reports.document import Document
from services.assessment.reports.html import to_html
from services.assessment.reports.report import Regency, Report, TrendYear, make_report
from services.assessment.scoring.assess import assess
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.results import Sensitivity
from services.platform.packs import Source

UNTESTED = Sensitivity(
    value=None, reason="not asked for", spread=None, factors=[], choices=[], excluded=[]
)


def method() -> CollaborationMethod:
    found = read_methods()["cgr-2015"]
    assert isinstance(found, CollaborationMethod)
    return found


def stored(items: Sequence[Item], *, period: int = 2024) -> StoredAssessment:
    """Return an assessment of a year by this evidence."""
    facts = Facts(period=period, items=list(items))
    return StoredAssessment(
        id=UUID("01942b2c-0000-7000-8000-000000000001"),
        method=method(),
        facts=facts,
        scores=assess(method(), facts, seed=1, draws=200),
        seed=1,
        draws=200,
        recorded_at=datetime(2025, 3, 4, 20, tzinfo=UTC),
        recorded_by="diskominfo",
    )


def report_of(
    items: Sequence[Item],
    *,
    period: int = 2024,
    name: str = "Kabupaten Toba",
    trend: Sequence[TrendYear] = (),
    sensitivity: Sensitivity = UNTESTED,
    sources: Sequence[Source] = (),
) -> Report:
    """Return the report of a year by this evidence."""
    return make_report(
        stored(items, period=period),
        regency=Regency(region="12.12", name=name, timezone="Asia/Jakarta"),
        sensitivity=sensitivity,
        trend=trend,
        indices=[one for one in read_methods().values() if isinstance(one, LevelsMethod)],
        sources={source.id: source for source in sources},
    )


def written(items: Sequence[Item], *, period: int = 2024, name: str = "Kabupaten Toba") -> Document:
    return compose(report_of(items, period=period, name=name))


class Shown(HTMLParser):
    """The content of a page: its words, its tags, and the figures by node and field."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.figures: dict[tuple[str, str], set[str]] = {}
        self._figure: tuple[str, str] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        known = dict(attrs)
        code, field = known.get("data-code"), known.get("data-field")
        if code and field:
            self._figure = (code, field)

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._figure is not None:
            self.figures.setdefault(self._figure, set()).add(data)
            self._figure = None


def shown(document: Document) -> Shown:
    return Shown(to_html(document, files={}))


def words_of(pdf: bytes) -> str:
    """Return the text of every page, with one space between words."""
    pages = PdfReader(BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)
