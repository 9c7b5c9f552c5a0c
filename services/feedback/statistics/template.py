"""The template in which an agency reports statistics, as an XLSX workbook or CSV."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.feedback.channels import ChannelKind
from services.feedback.statistics.counters import MAX_COUNT, Measure
from services.feedback.statistics.messages import INSTRUCTIONS
from services.feedback.statistics.number_parsing import CHANNEL_LABELS
from services.feedback.statistics.obligations import ReportedService
from services.platform.spreadsheets.csv_export import Delimiter, write_csv
from services.platform.spreadsheets.model import Cell
from services.platform.spreadsheets.writing import Column, write_xlsx

SHEET, CHOICES, HELP = "Statistik", "Pilihan", "Petunjuk"

COUNTER_LABELS: Mapping[Measure, str] = {
    "submitted": "masuk",
    "in_review": "proses",
    "completed": "selesai",
    "rejected": "ditolak",
    "returned": "dikembalikan",
}


@dataclass(frozen=True)
class TemplateRow:
    """A row to fill in, with the figures that are already stored."""

    service: ReportedService
    channel: ChannelKind
    month: date
    figures: Mapping[Measure, int] = field(default_factory=dict[Measure, int])


def columns_of(services: Sequence[ReportedService]) -> list[Column]:
    """Return the columns of the template."""
    last = len(services) + 1
    counters = [
        Column(f"{label} ({measure})", _note(measure), max_value=MAX_COUNT, width=20)
        for measure, label in COUNTER_LABELS.items()
    ]
    return [
        Column("layanan", required=True, choices_range=f"{CHOICES}!$A$2:$A${last}", width=30),
        Column("nama layanan", "Hanya untuk dibaca.", width=46),
        Column(
            "kanal", required=True, choices_range=f"{CHOICES}!$C$2:$C${len(CHANNEL_LABELS) + 1}"
        ),
        Column("bulan", "Seperti 2024-03 atau Maret 2024.", required=True),
        *counters,
        Column("alasan", "Hanya bila membetulkan angka yang sudah dikirim.", width=40),
    ]


def _note(measure: Measure) -> str:
    return next(line for line in INSTRUCTIONS if f"({measure})" in line).partition(": ")[2]


def template_xlsx(services: Sequence[ReportedService], rows: Sequence[TemplateRow]) -> bytes:
    """Return the workbook to fill in, with instructions and lists of valid values."""
    choices: list[dict[str, Cell]] = [
        {"layanan": service.slug, "nama layanan": service.name} for service in services
    ]
    for number, (code, label) in enumerate(CHANNEL_LABELS.items()):
        if number == len(choices):
            choices.append({})
        choices[number] |= {"kanal": label, "artinya": code}
    return write_xlsx(
        {
            SHEET: (columns_of(services), [*map(_cells, rows)]),
            CHOICES: (
                [
                    Column("layanan", width=30),
                    Column("nama layanan", width=60),
                    Column("kanal"),
                    Column("artinya"),
                ],
                choices,
            ),
            HELP: ([Column("petunjuk", width=110)], [{"petunjuk": line} for line in INSTRUCTIONS]),
        }
    )


def template_csv(
    services: Sequence[ReportedService], rows: Sequence[TemplateRow], *, delimiter: Delimiter
) -> bytes:
    """Return the table to fill in as CSV."""
    header = [column.name for column in columns_of(services)]
    cells = map(_cells, rows)
    return write_csv(
        header, ([row.get(name) for name in header] for row in cells), delimiter=delimiter
    )


def _cells(row: TemplateRow) -> dict[str, Cell]:
    return {
        "layanan": row.service.slug,
        "nama layanan": row.service.name,
        "kanal": CHANNEL_LABELS[row.channel],
        # As text: spreadsheets display a date in the format of their locale.
        "bulan": f"{row.month:%Y-%m}",
        **{
            f"{COUNTER_LABELS[measure]} ({measure})": value
            for measure, value in row.figures.items()
        },
    }
