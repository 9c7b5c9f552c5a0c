"""A recorded meeting as a calendar file: `/api/v1/meetings/{id}/calendar.ics`."""

from fastapi import Request, Response

from services.assessment.evidence.api_models import EvidenceKind, RecordId
from services.assessment.evidence.calendar import calendar_of_meeting
from services.assessment.evidence.records import Meeting
from services.platform.calendar_feed import CALENDAR_MEDIA_TYPE
from services.platform.database import ReadSessionDep
from services.platform.problems import NotFound, problem_responses
from services.platform.router import Router
from services.platform.service import API, get_region
from services.platform.settings import Settings

router = Router(prefix=API, tags=["evidence"], responses=problem_responses(401, 404, 422))

MEETINGS = EvidenceKind("meetings", "meeting", Meeting)


@router.get(
    "/meetings/{id}/calendar.ics",
    operation_id="get_meeting_calendar",
    response_class=Response,
    responses={
        200: {
            "content": {CALENDAR_MEDIA_TYPE: {"schema": {"type": "string"}}},
            "description": "An iCalendar file with one event (RFC 5545, METHOD:PUBLISH).",
        }
    },
)
async def get_meeting_calendar(request: Request, session: ReadSessionDep, id: RecordId) -> Response:
    """Return a recorded meeting as a file for calendar programs: an event of its whole day.

    It has the UID of the invitation, if the meeting was planned in the hub. 404 for a meeting that
    was withdrawn, or whose day is not known.
    """
    region = get_region(request)
    _, record = await MEETINGS.find(session, region, id)
    if record.content is None or record.content.precision != "day":
        raise NotFound(f"Of the meeting {id} no day is on record.")
    settings: Settings = request.app.state.settings
    file = calendar_of_meeting(
        record.content,
        region=region,
        version=record.version,
        recorded_at=record.recorded_at,
        is_confirmed=record.state == "confirmed",
        contact=settings.public_address or f"urn:uuid:{id}",
    )
    return Response(
        file,
        media_type=CALENDAR_MEDIA_TYPE,
        headers={"Content-Disposition": 'attachment; filename="rapat.ics"'},
    )
