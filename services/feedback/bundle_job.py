"""Forms the bundles of surveys and of comments."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.feedback.comments import bundle_store as comment_bundles
from services.feedback.surveys import bundle_store as survey_bundles
from services.platform.database import Database, WriteSession
from services.platform.local_time import LocalTime
from services.platform.logging import get_logger

log = get_logger(__name__)


async def form_due_bundles(
    session: WriteSession, region: str, *, now: datetime, zone: ZoneInfo
) -> int:
    """Form the bundles that pending responses and settled comments allow; return how many."""
    responses = await survey_bundles.form_due_bundles(session, region, now=now, zone=zone)
    comments = await comment_bundles.form_due_bundles(session, region, now=now, zone=zone)
    return responses + comments


async def form_bundles_now(database: Database, region: str, local_time: LocalTime) -> None:
    """Form the bundles that are possible at present, in a transaction."""
    async with database.write_session() as session:
        formed = await form_due_bundles(
            session, region, now=datetime.now(UTC), zone=local_time.zone
        )
    if formed:
        log.info("bundles formed", count=formed)
