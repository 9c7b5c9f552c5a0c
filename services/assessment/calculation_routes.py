"""Scores of many units by one method over HTTP: `/api/v1/methods/{id}/calculation`."""

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from fastapi import Query, Request, Response
from pydantic import Field, model_validator

from services.assessment.assessments.operations import evidence_items
from services.assessment.assessments.routes import method_reference
from services.assessment.assessments.schemas import MethodReference
from services.assessment.method_store import find_method
from services.assessment.methods.definition import CollaborationMethod, CompositeMethod, TreeMethod
from services.assessment.numerical_libraries import np
from services.assessment.scoring.assess import round_score
from services.assessment.scoring.imputation import Unit
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.treatment import Shape
from services.assessment.scoring.unit_table import (
    TreatedSubject,
    UnitScores,
    Variable,
    observed_variables,
    score_units,
    subjects_of,
)
from services.platform.api_model import ApiModel
from services.platform.content_negotiation import negotiate_format
from services.platform.database import ReadSessionDep
from services.platform.parameters import DelimiterQuery, SlugPath
from services.platform.problems import FieldError, Invalid, NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.spreadsheets.csv_export import write_csv
from services.platform.spreadsheets.model import CSV, Cell
from services.platform.spreadsheets.writing import Column
from services.platform.types import ShortText, StrictNumber

router = Router(prefix=API, tags=["metrics"], responses=problem_responses(401, 422))

MAX_UNITS = 1000
MAX_FIGURES = 100_000
"""Units times nodes: some ten seconds of work."""

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15), StrictNumber]
Period = Annotated[int, Field(ge=1900, le=2099), StrictNumber]


class NumberRange(ApiModel):
    """A value that is known within ends only."""

    low: Number
    high: Number

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low > self.high:
            raise ValueError("low must not lie above high")
        return self


class UnitRow(ApiModel):
    """A unit in a year, with its values by subject; a missing one is unknown."""

    unit: ShortText = Field(description="Code or name, the same in every year.", max_length=80)
    period: Period = Field(description="Calendar year of the values.")
    group: ShortText | None = Field(None, description="For imputation by group.", max_length=80)
    values: dict[str, Number | NumberRange | None] = Field(
        max_length=300, description="Value, or lowest and highest value, by subject."
    )


class UnitsRequest(ApiModel):
    """A table of units, or years of this hub's own observations; and the method's version."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1), StrictNumber] | None = Field(
        None, description="Version of the method; default: the newest."
    )
    units: list[UnitRow] = Field(
        default_factory=list[UnitRow], max_length=MAX_UNITS, description="Rows of the table."
    )
    periods: list[Period] = Field(
        default_factory=list[int],
        max_length=100,
        description="Years for which the observations of this hub are the values.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.units) == bool(self.periods):
            raise ValueError("give either units or periods")
        return self


class NodeFigures(ApiModel):
    """A node of a unit; `value` is null if too little is known."""

    code: str
    value: float | None
    proven: float | None = Field(
        description="The score if every value that was not given turned out worst."
    )
    possible: float | None = Field(
        description="Score if everything that is not known held; null if that is not known either."
    )
    coverage: float = Field(description="Share of its indicators whose values were given.")


class UnitResult(ApiModel):
    """A unit with its scores, the index first."""

    unit: str
    period: int = Field(description="Calendar year of the figures.")
    group: str | None
    rank: int | None = Field(
        description="By what is proven of the index, among the units of the year; equal ones share "
        "a rank."
    )
    nodes: list[NodeFigures]


class ValueChange(ApiModel):
    """A value that the method's imputation or treatment of outliers changed."""

    unit: str
    period: int = Field(description="Calendar year of the value.")
    subject: str
    before: float | None = Field(description="Value before; null if it was missing.")
    after: float
    by: str = Field(description="Rule that changed it.")


class VariableChange(ApiModel):
    """A variable with outliers, and what was done about them."""

    subject: str
    by: Literal["winsorised", "log", "log_by_skew", "box_cox"] = Field(
        description="Rule that was applied."
    )
    skewness_before: float | None = Field(
        description="Skewness before; null if it cannot be computed."
    )
    kurtosis_before: float | None = Field(
        description="Kurtosis before; null if it cannot be computed."
    )
    skewness_after: float | None = Field(
        description="Skewness afterwards; null if it cannot be computed."
    )
    kurtosis_after: float | None = Field(
        description="Kurtosis afterwards; null if it cannot be computed."
    )
    has_outliers: bool | None = Field(description="Whether outliers remain.")
    scored_between: tuple[float, float] | None = Field(
        description="Of a transformed variable: the values that score 0 and 100 in the place of "
        "the method's goalposts."
    )


class UnitsResult(ApiModel):
    """The scores of units by one method; nothing is stored."""

    method: MethodReference = Field(description="Method by which the units were scored.")
    units: list[UnitResult]
    treated: list[VariableChange] = Field(
        description="Variables with outliers; empty unless the method has a `treatment`."
    )
    changes: list[ValueChange] = Field(
        description="Each value that was imputed or winsorised; empty unless the method does so."
    )


ResultFormat = Literal["json", "csv"]
MEDIA_TYPES: dict[ResultFormat, str] = {"json": "application/json", "csv": CSV}

COLUMNS = (
    Column("unit", "Satuan."),
    Column("period", "Tahun."),
    Column("group", "Kelompok."),
    Column("rank", "Peringkat menurut nilai yang terbukti."),
    Column("code", "Kode simpul."),
    Column("value", "Nilai 0-100."),
    Column("proven", "Nilai yang terbukti."),
    Column("possible", "Nilai yang mungkin."),
    Column("coverage", "Bagian indikator yang nilainya diberikan."),
)


@router.post(
    "/methods/{id}/calculation",
    operation_id="calculate_method",
    response_model=UnitsResult,
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}}
    | problem_responses(404, 413),
)
async def calculate_method(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    response: Response,
    session: ReadSessionDep,
    id: SlugPath,
    body: UnitsRequest,
    format: Annotated[
        ResultFormat | None, Query(description="The format; default: by `Accept`, else JSON.")
    ] = None,
    delimiter: DelimiterQuery = "semicolon",
) -> UnitsResult | Response:
    """Score many units or years by one method. Nothing is stored.

    A unit has a value for each subject that the method observes; a method is computed in the same
    way from a table as from recorded evidence.
    """
    form = negotiate_format(request, format, MEDIA_TYPES)
    region = get_region(request)
    published = await find_method(session, region, id, body.version)
    if published is None or not isinstance(published.method, CollaborationMethod | CompositeMethod):
        raise NotFound(
            f"There is no method {id!r} of a tree of indicators in that version; {API}/methods "
            "lists all of them."
        )
    method = published.method
    units = [Unit(row.unit, row.period, row.group) for row in body.units] or [
        Unit(region, period) for period in body.periods
    ]
    _check(method, body, units)
    items = await evidence_items(session, region) if body.periods else []
    result = await asyncio.to_thread(_result, method, body, units, items)
    response.headers["Vary"] = "Accept"
    if form == "csv":
        header = [column.name for column in COLUMNS]
        lines = ([line.get(name) for name in header] for line in _lines(result))
        content = write_csv(header, lines, delimiter=delimiter)
        return Response(
            content, media_type=f"{CSV}; charset=utf-8", headers=dict(response.headers.items())
        )
    return result


def _check(method: TreeMethod, body: UnitsRequest, units: Sequence[Unit]) -> None:
    """Raise `Invalid` for an unknown subject, a repeated unit or too much work."""
    known = set(subjects_of(method))
    faults: list[FieldError] = []
    for at, row in enumerate(body.units):
        for subject in row.values.keys() - known:
            detail = f"{method.id} does not observe it; it observes {', '.join(sorted(known))}"
            pointer = f"#/units/{at}/values/{subject.replace('~', '~0').replace('/', '~1')}"
            faults.append(FieldError(pointer=pointer, parameter=None, detail=detail))
    place = "units" if body.units else "periods"
    first: dict[tuple[str, int], int] = {}
    for at, unit in enumerate(units):
        if first.setdefault((unit.name, unit.period), at) != at:
            detail = f"repeats the unit and year of {place}/{first[unit.name, unit.period]}"
            faults.append(FieldError(pointer=f"#/{place}/{at}", parameter=None, detail=detail))
    nodes = 1 + sum(1 for _ in method.indicators())
    if len(units) * nodes > MAX_FIGURES:
        detail = f"has {len(units)} units of {nodes} indicators; at most {MAX_FIGURES} values"
        faults.append(FieldError(pointer=f"#/{place}", parameter=None, detail=detail))
    if faults:
        raise Invalid("See errors[] for each value that was not accepted.", errors=faults)


def _result(
    method: TreeMethod, body: UnitsRequest, units: Sequence[Unit], items: Sequence[Item]
) -> UnitsResult:
    table = (
        _table(method, body.units)
        if body.units
        else observed_variables(method, [Facts.of(unit.period, items) for unit in units])
    )
    scored = score_units(method, units, table)
    return UnitsResult(
        method=method_reference(method),
        units=_units(units, scored),
        treated=[_variable_change(one) for one in scored.treated],
        changes=[
            ValueChange(
                unit=units[one.row].name,
                period=units[one.row].period,
                subject=one.subject,
                before=one.before,
                after=one.after,
                by=one.by,
            )
            for one in scored.changes
        ],
    )


def _table(method: TreeMethod, rows: Sequence[UnitRow]) -> dict[str, Variable]:
    def ends(cell: float | NumberRange | None) -> tuple[float, float]:
        if cell is None:
            return math.nan, math.nan
        return (cell.low, cell.high) if isinstance(cell, NumberRange) else (cell, cell)

    table: dict[str, Variable] = {}
    for subject in subjects_of(method):
        cells = np.array([ends(row.values.get(subject)) for row in rows], dtype=np.float64)
        table[subject] = Variable(cells[:, 0], cells[:, 1])
    return table


def _units(units: Sequence[Unit], scored: UnitScores) -> list[UnitResult]:
    estimates, proofs = scored.estimates, scored.proofs
    proven = [_known(value) for value in proofs.proven[:, 0].tolist()]
    return [
        UnitResult(
            unit=unit.name,
            period=unit.period,
            group=unit.group,
            rank=_rank(row, units, proven),
            nodes=[
                NodeFigures(
                    code=code,
                    value=_known(estimates.values[row, at]),
                    proven=_known(proofs.proven[row, at]),
                    possible=_known(proofs.possible[row, at]),
                    coverage=round_score(proofs.coverage[row, at]),
                )
                for at, code in enumerate(estimates.nodes)
            ],
        )
        for row, unit in enumerate(units)
    ]


def _rank(row: int, units: Sequence[Unit], proven: Sequence[float | None]) -> int | None:
    own = proven[row]
    if own is None:
        return None
    others = (
        value for unit, value in zip(units, proven, strict=True) if unit.period == units[row].period
    )
    return 1 + sum(value is not None and value > own for value in others)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round_score(value)


def _variable_change(one: TreatedSubject) -> VariableChange:
    def figures(shape: Shape, when: str) -> Mapping[str, float | None]:
        return {f"skewness_{when}": shape.skewness, f"kurtosis_{when}": shape.kurtosis}

    fields: dict[str, Any] = {
        **figures(one.treated.before, "before"),
        **figures(one.treated.after, "after"),
        "has_outliers": one.treated.has_outliers,
        "scored_between": one.ends,
    }
    return VariableChange(subject=one.subject, by=one.by, **fields)


def _lines(result: UnitsResult) -> Iterator[dict[str, Cell]]:
    for one in result.units:
        head: dict[str, Cell] = {
            "unit": one.unit,
            "period": one.period,
            "group": one.group,
            "rank": one.rank,
        }
        for node in one.nodes:
            yield head | node.model_dump()
