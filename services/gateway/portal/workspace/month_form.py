"""The grid of a month: services by channels and counters, and what a person typed in it (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from services.feedback.channels import ChannelKind
from services.feedback.client import (
    CellValueError,
    Counters,
    ReportableService,
    StatisticDraftFigures,
    StatisticRevision,
    error_text,
    parse_count,
)
from services.platform.languages import Language

CHANNELS: tuple[ChannelKind, ...] = get_args(ChannelKind)
MEASURES = tuple(Counters.model_fields)
"""The counters in the order of the grid."""


@dataclass(frozen=True)
class GridRow:
    """A service through one channel."""

    service: str
    channel: str

    def field(self, measure: str) -> str:
        """Return the name of the field of a counter."""
        return f"{self.service}.{self.channel}.{measure}"


@dataclass(frozen=True)
class GridService:
    """A service with its rows."""

    slug: str
    name: str
    rows: Sequence[GridRow]


Figures = Mapping[str, int]
"""Figures by the names of their fields."""


def grid_of(services: Sequence[ReportableService], known: Sequence[Figures]) -> list[GridService]:
    """Return the grid: each service with the channels of the catalogue and those of its figures."""
    used: dict[str, list[str]] = {}
    for name in (name for figures in known for name in figures):
        service, channel, _ = name.split(".")
        used.setdefault(service, []).append(channel)
    return [
        GridService(
            each.service,
            each.name,
            [
                GridRow(each.service, channel)
                for channel in dict.fromkeys([*each.channels, *used.get(each.service, [])])
            ],
        )
        for each in services
    ]


def figures_of_draft(figures: Sequence[StatisticDraftFigures]) -> dict[str, int]:
    """Return the figures of a draft by the names of their fields."""
    return {
        GridRow(each.service, each.channel).field(measure): value
        for each in figures
        for measure, value in each.counters.model_dump(exclude_none=True).items()
    }


def figures_of_month(stored: Sequence[StatisticRevision]) -> dict[str, int]:
    """Return stored figures by the names of their fields."""
    return {GridRow(each.service, each.channel).field(each.measure): each.value for each in stored}


def read_grid(
    grid: Sequence[GridService], fields: Mapping[str, str], language: Language
) -> tuple[list[StatisticDraftFigures], dict[str, str]]:
    """Return what was typed, and a sentence for each field that has no count.

    Counts are read as those of a spreadsheet are; an empty field is not known, which is not zero.
    """
    figures: list[StatisticDraftFigures] = []
    errors: dict[str, str] = {}
    for row in (row for service in grid for row in service.rows):
        counters: dict[str, int] = {}
        for measure in MEASURES:
            name = row.field(measure)
            typed = fields.get(name, "")
            if not typed:
                continue
            try:
                counters[measure] = parse_count(typed)
            except CellValueError as error:
                errors[name] = error_text(language, error.code, value=typed)
        if counters:
            figures.append(
                StatisticDraftFigures.model_validate(
                    {"service": row.service, "channel": row.channel, "counters": counters}
                )
            )
    return figures, errors
