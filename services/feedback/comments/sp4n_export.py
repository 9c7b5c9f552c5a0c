"""Tickets forwarded to SP4N-LAPOR!, the national system: their export, and their numbers there.

SP4N-LAPOR! has no known open API for the systems of regencies: an officer enters or uploads the
export and records the numbers here.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlalchemy import text

from services.feedback.comments.agency_routes import agency_of
from services.feedback.comments.handling import change_state
from services.feedback.comments.schemas import StateChange, Ticket
from services.feedback.comments.service_levels import KIND_NAMES, service_levels
from services.platform.api_model import ApiModel
from services.platform.database import ReadSessionDep, WriteSessionDep
from services.platform.identity import CommentsHandler
from services.platform.parameters import DelimiterQuery
from services.platform.personal_data import mask_personal_data
from services.platform.problems import (
    Conflict,
    FieldError,
    NotAllowed,
    NotFound,
    ProblemError,
    problem_responses,
)
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.spreadsheets.csv_export import CSV_MEDIA_TYPE, write_csv
from services.platform.spreadsheets.model import XLSX, Cell
from services.platform.spreadsheets.writing import Column, write_xlsx
from services.platform.types import ShortText

router = Router(
    prefix=f"{API}/comments", tags=["comments"], responses=problem_responses(401, 403, 422)
)

FileName = Literal["sp4n.csv", "sp4n.xlsx"]
MAX_TICKETS = 500

COLUMNS = (
    Column("tiket"),
    Column("tanggal"),
    Column("klasifikasi"),
    Column("kategori"),
    Column("instansi"),
    Column("layanan"),
    Column("kecamatan"),
    Column("lokasi"),
    Column("lintang"),
    Column("bujur"),
    Column("isi"),
    Column("nomor_sp4n", note="Nomor laporan yang diberikan SP4N-LAPOR!"),
)

EXPORTED = """
-- The comments with these tickets, or all open comments that are not under review.
SELECT ticket, received_on, kind, category, agency, service, district, place, latitude, longitude,
       content, forwarded_number
FROM feedback.comment
WHERE region = :region
  AND (CAST(:agency AS text) IS NULL OR agency = :agency)
  AND CASE WHEN cardinality(CAST(:tickets AS text[])) > 0 THEN ticket = ANY(:tickets)
           ELSE state IN ('received', 'in_progress', 'reopened')
                AND cardinality(review_reasons) = 0 END
ORDER BY id
LIMIT :max_tickets
"""


class ForwardedTicket(ApiModel):
    """A ticket and its number at SP4N-LAPOR!."""

    ticket: Ticket
    number: ShortText = Field(description="Number of the report at SP4N-LAPOR!.")


class ForwardedTickets(ApiModel):
    """Tickets that were forwarded to SP4N-LAPOR!."""

    items: list[ForwardedTicket] = Field(min_length=1, max_length=MAX_TICKETS)


@router.get(
    "/exports/{file}",
    operation_id="export_comments",
    response_class=Response,
    responses={
        200: {
            "description": "A table with a row for each comment, in the format of its name.",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in (CSV_MEDIA_TYPE, XLSX)
            },
        }
    },
)
async def export_comments(
    request: Request,
    session: ReadSessionDep,
    caller: CommentsHandler,
    *,
    file: Annotated[FileName, Path(description="The format of the table.")],
    ticket: Annotated[
        list[Ticket],
        Query(description="Tickets to export; default: all open ones.", max_length=MAX_TICKETS),
    ] = [],  # noqa: B006 - FastAPI copies it
    delimiter: DelimiterQuery = "semicolon",
) -> Response:
    """Export the comments of the key's agency for SP4N-LAPOR!, without contacts."""
    rows = await session.execute(
        text(EXPORTED),
        {
            "region": get_region(request),
            "agency": agency_of(caller),
            "tickets": list(ticket),
            "max_tickets": MAX_TICKETS,
        },
    )
    categories = {category.code: category.name for category in service_levels().categories}
    table: list[dict[str, Cell]] = [
        dict(
            zip(
                (column.name for column in COLUMNS),
                (
                    row.ticket,
                    row.received_on.isoformat(),
                    KIND_NAMES[row.kind][0],
                    categories[row.category],
                    row.agency,
                    row.service,
                    row.district,
                    mask_personal_data(row.place).text,
                    row.latitude,
                    row.longitude,
                    mask_personal_data(row.content).text,
                    row.forwarded_number,
                ),
                strict=True,
            )
        )
        for row in rows
    ]
    is_csv = file == "sp4n.csv"
    return Response(
        write_csv(
            [column.name for column in COLUMNS],
            [list(row.values()) for row in table],
            delimiter=delimiter,
        )
        if is_csv
        else write_xlsx({"sp4n": (COLUMNS, table)}),
        media_type=CSV_MEDIA_TYPE if is_csv else XLSX,
        headers={
            "Content-Disposition": f'attachment; filename="{file}"',
            "Cache-Control": "private, no-store",
        },
    )


@router.post(
    "/exports/sp4n/numbers",
    operation_id="post_comment_forwardings",
    responses=problem_responses(409, 413),
)
async def post_comment_forwardings(
    request: Request,
    session: WriteSessionDep,
    caller: CommentsHandler,
    forwardings: ForwardedTickets,
) -> ForwardedTickets:
    """Mark tickets as forwarded with their numbers at SP4N-LAPOR!: all of them, or none."""
    now = datetime.now(UTC)
    errors: list[FieldError] = []
    for index, item in enumerate(forwardings.items):
        change = StateChange.model_validate({"state": "forwarded", "number": item.number})
        try:
            await change_state(
                session, get_region(request), item.ticket, change, caller=caller, now=now
            )
        except (Conflict, NotFound, NotAllowed) as error:
            errors.append(_ticket_error(index, error))
    if errors:
        raise Conflict("No ticket was marked.", errors=errors)
    return forwardings


def _ticket_error(index: int, error: ProblemError) -> FieldError:
    return FieldError(pointer=f"#/items/{index}/ticket", parameter=None, detail=error.detail)
