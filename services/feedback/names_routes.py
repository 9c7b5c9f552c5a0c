"""The names that the gateway passes on when they change: no part of the public API."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fastapi import Request

from services.feedback.names_schemas import NAMES, PublishedNames
from services.feedback.reference_data import ReferenceCodes, store_reference_codes
from services.feedback.reporting_obligations import ReportingObligation, store_obligations
from services.platform.database import WriteSessionDep
from services.platform.identity import CurrentCaller
from services.platform.local_time import DEFAULT_ZONE, month_of
from services.platform.months import add_months
from services.platform.problems import NotAllowed
from services.platform.regency import find_regency
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.settings import Service

router = Router(include_in_schema=False)


@router.put(NAMES, status_code=204)
async def put_names(
    request: Request, session: WriteSessionDep, caller: CurrentCaller, names: PublishedNames
) -> None:
    """Replace the names that may be reported; districts come with the pack and stay.

    A service that is new is reported from the next month on, or from the month that the pack
    states.
    """
    if not caller.is_gateway:
        raise NotAllowed("Only the gateway passes names on.")
    region = get_region(request)
    regency = await find_regency(session, Service.feedback, region)
    zone = DEFAULT_ZONE if regency is None else ZoneInfo(regency.timezone)
    since = None if regency is None else regency.first_reporting_month
    obligations = [
        ReportingObligation(
            offered.agency,
            offered.service,
            offered.name,
            tuple(offered.channels),
            since,
            is_owed=offered.is_owed,
        )
        for offered in names.services
    ]
    await store_reference_codes(
        session, region, ReferenceCodes(agencies=names.agencies, links=names.links, districts=None)
    )
    month = add_months(month_of(datetime.now(UTC), zone), 1)
    await store_obligations(session, region, obligations, month=month)
