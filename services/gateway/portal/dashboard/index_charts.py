"""Charts of published indices such as SPBE: the values, the national minimum and the target."""

from collections.abc import Sequence

from services.assessment.client import IndexItem
from services.gateway.portal.charts.chart import Cell, Chart, Column
from services.gateway.portal.charts.score_drawings import YearValue, value_line
from services.gateway.portal.dashboard.figures import figure
from services.gateway.portal.dashboard.labels import ROLES
from services.gateway.portal.dashboard.node_addresses import chart_address
from services.gateway.portal.page import Page

DIGITS = 2
"""As indices are printed."""


def index_chart(page: Page, index: IndexItem, period: int) -> Chart | None:
    """Return the chart of an index; None if no value of it has a year."""
    marks = [
        YearValue(
            value.year, value.value, figure(page.messages, value.value, DIGITS),
            is_target=value.role == "target",
        )
        for value in index.values
        if value.year is not None and value.role != "national_minimum"
    ]  # fmt: skip
    published = [mark for mark in marks if not mark.is_target]
    if not published:
        return None
    marks.sort(key=lambda mark: (mark.year, mark.is_target))
    level = _minimum(index)
    name = str(page.in_language(index, "name"))
    roles = page.messages.labels(ROLES)
    said = "; ".join(
        f"{value.year or ''} {roles[value.role]} {figure(page.messages, value.value, DIGITS)}"
        for value in index.values
    )
    years = f"{marks[0].year}–{marks[-1].year}"
    measure = page.messages.gettext("%(name)s, %(years)s", name=name, years=years)
    return Chart(
        drawing=value_line(
            marks, level=level, name=index.id, title=measure, description=f"{said}."
        ),
        finding=_finding(page, published, level),
        measure=measure,
        key=_key(page, level, has_target=len(published) < len(marks)),
        source=page.messages.gettext(
            "Sumber: nilai yang terbit, tercatat di e-Mall %(place)s.", place=page.place or ""
        ),
        columns=[
            Column(page.messages.gettext("Jenis")),
            Column(page.messages.gettext("Tahun")),
            Column(page.messages.gettext("Nilai"), DIGITS),
        ],
        rows=_rows(index, roles),
        address=chart_address(period, index.id),
        data=index.href,
    )


def _minimum(index: IndexItem) -> float | None:
    return next((one.value for one in index.values if one.role == "national_minimum"), None)


def _rows(index: IndexItem, roles: dict[str, str]) -> list[list[Cell]]:
    return [
        [roles[value.role], None if value.year is None else str(value.year), value.value]
        for value in index.values
    ]


def _finding(page: Page, published: Sequence[YearValue], level: float | None) -> str:
    """Return the last value, and how it stands to the national minimum."""
    last = published[-1]
    if level is None:
        return page.messages.gettext("%(year)s: %(value)s", year=last.year, value=last.figure)
    minimum = figure(page.messages, level, DIGITS)
    if last.value < level:
        return page.messages.gettext(
            "%(year)s: %(value)s, di bawah batas nasional %(minimum)s",
            year=last.year, value=last.figure, minimum=minimum,
        )  # fmt: skip
    return page.messages.gettext(
        "%(year)s: %(value)s, mencapai batas nasional %(minimum)s",
        year=last.year, value=last.figure, minimum=minimum,
    )  # fmt: skip


def _key(page: Page, level: float | None, *, has_target: bool) -> str:
    """Return how to read the lines."""
    parts = [page.messages.gettext("Garis penuh: nilai yang terbit.")]
    if has_target:
        parts.append(page.messages.gettext("Garis putus-putus di antara titik: jalan ke target."))
    if level is not None:
        parts.append(
            page.messages.gettext(
                "Garis putus-putus mendatar: batas nasional %(minimum)s.",
                minimum=figure(page.messages, level, DIGITS),
            )
        )
    return " ".join(parts)
