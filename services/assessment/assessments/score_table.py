"""Scores of an assessment as a table, in CSV or as a workbook."""

from collections.abc import Iterator

from services.assessment.scoring.results import Spread
from services.assessment.scoring.scores import IndicatorScore, Node, Scores
from services.platform.spreadsheets.csv_export import Delimiter, write_csv
from services.platform.spreadsheets.model import Cell
from services.platform.spreadsheets.writing import Column, write_xlsx

COLUMNS = (
    Column("region", "Kode wilayah."),
    Column("period", "Tahun."),
    Column("level", "index, dimension, element, driver, node, atau indicator."),
    Column("code", "Kode simpul."),
    Column("parent", "Kode simpul di atasnya."),
    Column("name", "Nama.", width=48),
    Column("name_en", "Nama dalam bahasa Inggris.", width=48),
    Column("value", "Perkiraan 0-100; kosong apabila bukti belum cukup."),
    Column("low", "Ujung bawah rentang."),
    Column("high", "Ujung atas rentang."),
    Column(
        "interval_by",
        "Asal rentang, atau mengapa galat tidak diperkirakan: self_selected, quota (responden "
        "tidak diundi), full_count (dihitung seluruhnya), incomplete (mungkin belum semua), "
        "not_estimated.",
    ),
    Column("spread_low", "Dari indeks: ujung bawah rentang menurut bukti dan metode."),
    Column("spread_high", "Dari indeks: ujung atas rentang menurut bukti dan metode."),
    Column("proven", "Nilai apabila semua yang belum diketahui ternyata paling buruk."),
    Column("possible", "Nilai apabila semua yang belum diketahui ternyata paling baik."),
    Column("coverage", "Bagian indikator yang memiliki bukti, 0-1."),
    Column("raw", "Nilai indikator sebelum tonggak."),
    Column("reason", "Mengapa tidak ada nilai.", width=48),
    Column("missing_first", "Indikator yang buktinya diperlukan lebih dahulu.", width=48),
)

Line = dict[str, Cell]


def score_rows(scores: Scores, *, region: str, period: int, spread: Spread | None) -> list[Line]:
    """Return a row for each node, parents before children.

    `spread` is the range of the index by its evidence and the choices of its method.
    """
    return [
        {
            "region": region,
            "period": period,
            "level": level,
            "code": node.code,
            "parent": parent,
            "name": node.name,
            "name_en": node.name_en,
            "value": node.value,
            "low": None if node.interval is None else node.interval.low,
            "high": None if node.interval is None else node.interval.high,
            "interval_by": _interval_origin(node),
            "spread_low": spread.low if spread is not None and level == "index" else None,
            "spread_high": spread.high if spread is not None and level == "index" else None,
            "proven": node.proven,
            "possible": node.possible,
            "coverage": node.coverage,
            "raw": node.raw if isinstance(node, IndicatorScore) else None,
            "reason": node.reason,
            "missing_first": " ".join(node.missing_first) or None,
        }
        for level, node, parent in _levels(scores)
    ]


def _interval_origin(node: Node) -> str | None:
    if node.no_interval_because is not None:
        return node.no_interval_because
    if node.interval is None:
        return None if node.value is None else "not_estimated"
    return node.interval.by


def _levels(scores: Scores) -> Iterator[tuple[str, Node, str | None]]:
    index = scores.index.code
    yield "index", scores.index, None
    for dimension in scores.dimensions:
        yield "dimension", dimension, index
        for element in dimension.elements:
            yield "element", element, dimension.code
            for indicator in element.indicators:
                yield "indicator", indicator, element.code
    for driver in scores.drivers:
        yield "driver", driver, None
        for indicator in driver.indicators:
            yield "indicator", indicator, driver.code
    for node, parent in scores.composite_nodes():
        yield "indicator" if isinstance(node, IndicatorScore) else "node", node, parent


def scores_csv(
    scores: Scores, *, region: str, period: int, spread: Spread | None, delimiter: Delimiter
) -> bytes:
    """Return the table as CSV."""
    rows = score_rows(scores, region=region, period=period, spread=spread)
    header = [column.name for column in COLUMNS]
    return write_csv(header, ([row[name] for name in header] for row in rows), delimiter=delimiter)


def scores_xlsx(scores: Scores, *, region: str, period: int, spread: Spread | None) -> bytes:
    """Return the table as a workbook with one sheet."""
    rows = score_rows(scores, region=region, period=period, spread=spread)
    return write_xlsx({"Skor": (COLUMNS, rows)})
