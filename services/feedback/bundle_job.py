"""Periodic job that forms the bundles of surveys and of comments."""

import asyncio
import logging
from datetime import UTC, datetime

from services.feedback.comments import bundle_store as comment_bundles
from services.feedback.surveys import bundle_store as survey_bundles
from services.platform.database import DATABASE_ERRORS, Database, WriteSession

log = logging.getLogger(__name__)


async def form_due_bundles(session: WriteSession, region: str, *, now: datetime) -> int:
    """Form the bundles that pending responses and settled comments allow; return how many."""
    responses = await survey_bundles.form_due_bundles(session, region, now=now)
    comments = await comment_bundles.form_due_bundles(session, region, now=now)
    return responses + comments


async def form_bundles_forever(database: Database, region: str, *, interval_seconds: int) -> None:
    """Form due bundles at an interval until cancelled; not at all if the interval is 0."""
    while interval_seconds:
        try:
            async with database.write_session() as session:
                formed = await form_due_bundles(session, region, now=datetime.now(UTC))
            if formed:
                log.info("formed %s bundles", formed)
        except DATABASE_ERRORS as error:
            log.warning("forming bundles failed, retrying in %s s: %s", interval_seconds, error)
        await asyncio.sleep(interval_seconds)
