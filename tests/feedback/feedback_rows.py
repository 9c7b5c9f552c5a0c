"""Responses, rating tokens and obligations as feedback stores them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import asyncpg

from services.platform.settings import Settings
from tests.rows import rows


def stored_response(settings: Settings, response: str) -> tuple[Any, ...]:
    """Return service, agency and channel of a response."""
    [found] = rows(
        settings,
        "SELECT service, agency, channel FROM feedback.response WHERE id = $1::text::uuid",
        response,
    )
    return tuple(found)


def stored_tokens(settings: Settings) -> list[Any]:
    """Return all that is stored of rating tokens; a hash as its hexadecimal digits."""
    return rows(
        settings,
        "SELECT region, encode(hash, 'hex'), survey, service, expires_on "
        "FROM feedback.rating_token",
    )


def columns_of_tokens(settings: Settings) -> set[tuple[Any, ...]]:
    """Return the columns of feedback, other than those of comments, that may identify a token."""
    found = rows(
        settings,
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'feedback' AND table_name NOT LIKE 'comment%' "
        "AND (column_name LIKE '%token%' OR column_name = 'hash')",
    )
    return {tuple(row) for row in found}


def count_responses_stored_with_a_token(settings: Settings) -> int:
    """Return how many responses share their transaction (xmin) with the row of a token."""
    found = rows(
        settings,
        "SELECT count(*) FROM feedback.response r JOIN feedback.rating_token t ON r.xmin = t.xmin",
    )
    return found[0][0]


def have_only_their_day(settings: Settings, responses: list[str]) -> bool:
    """Return whether each of these responses is stored without its time of day."""
    [(answer,)] = rows(
        settings,
        "SELECT bool_and(received_at = date_trunc('day', received_at)) FROM feedback.response "
        "WHERE id = ANY ($1::text[]::uuid[])",
        responses,
    )
    return answer


def make_tokens_older(settings: Settings, *, days: int) -> None:
    """Move the expiry of every rating token into the past."""
    rows(settings, "UPDATE feedback.rating_token SET expires_on = expires_on - $1::int", days)


def date_issues_back(settings: Settings) -> None:
    """Make every issue of rating tokens, and every day of a kiosk, an earlier one."""
    for table in ("rating_token", "response"):
        rows(settings, f"UPDATE feedback.{table} SET issue = issue || '-' WHERE issue <> ''")


def store_obligation(settings: Settings, agency: str, service: str) -> None:
    """Oblige an agency to report the monthly statistics of a service."""
    rows(
        settings,
        "INSERT INTO feedback.reporting_obligation (region, agency, service) VALUES ($1, $2, $3)",
        settings.region,
        agency,
        service,
    )


def store_monthly_use(settings: Settings, agency: str, *, services: int) -> None:
    """Count an event of March 2024 for each of so many services that are in no catalogue."""
    rows(
        settings,
        """
        WITH made AS (
            INSERT INTO feedback.event_dimensions
                (region, kind, source, agency, service, link, channel, district)
            SELECT $1, 'search', 'agency', $2, 'layanan-' || n, '', '', ''
            FROM generate_series(1, $3::int) AS n
            RETURNING id
        )
        INSERT INTO feedback.monthly_usage (region, month, dimensions, events)
        SELECT $1, '2024-03-01', id, 1 FROM made
        """,
        settings.region,
        agency,
        services,
    )
    # As PostgreSQL does by itself where it is not told to leave it; without, it plans for no rows.
    rows(settings, "ANALYZE feedback.event_dimensions, feedback.monthly_usage")


def set_received_at(settings: Settings, event_id: str, at: datetime) -> None:
    """Set when an event was received."""
    rows(
        settings,
        "UPDATE feedback.event SET received_at = $2 WHERE id = $1::text::uuid",
        event_id,
        at,
    )


def counts_by_key(settings: Settings, agencies: list[str]) -> dict[str, int]:
    """Return the events of agencies by their hourly counts."""
    found = rows(
        settings,
        "SELECT d.agency, sum(c.events)::int FROM feedback.hourly_usage c "
        "JOIN feedback.event_dimensions d ON d.id = c.dimensions "
        "WHERE d.agency = ANY ($1::text[]) GROUP BY 1",
        agencies,
    )
    return dict(map(tuple, found))


def is_a_lock_awaited(settings: Settings) -> bool:
    """Return whether a transaction on this database waits for a lock."""
    found = rows(
        settings,
        "SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
        "WHERE d.datname = current_database() AND NOT l.granted",
    )
    return bool(found)


@asynccontextmanager
async def locked_events(settings: Settings) -> AsyncGenerator[None]:
    """Make every commit of events wait until the block ends."""
    assert settings.database_url is not None
    owner = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        async with owner.transaction():
            await owner.execute("LOCK TABLE feedback.event_id IN EXCLUSIVE MODE")
            yield
    finally:
        await owner.close()


def count_event_commits(settings: Settings, *, since: datetime) -> int:
    """Return how many transactions stored the events received since then."""
    found = rows(
        settings,
        "SELECT count(DISTINCT xmin::text) FROM feedback.event WHERE received_at >= $1",
        since,
    )
    return found[0][0]


def set_received_on(settings: Settings, ticket: str, day: date) -> None:
    """Set the day on which a comment was received."""
    rows(settings, "UPDATE feedback.comment SET received_on = $1 WHERE ticket = $2", day, ticket)


def pass_ten_days(settings: Settings, agency: str, *, forwarded_today: str) -> None:
    """Move an agency's comments ten days back, their answers and forwardings three.

    Their deadline was yesterday; one ticket was forwarded only today.
    """
    rows(
        settings,
        "UPDATE feedback.comment SET received_on = received_on - 10, "
        "answer_by = received_on - 1, answered_at = answered_at - interval '3 days', "
        "forwarded_at = forwarded_at - interval '3 days' * CAST(ticket <> $2 AS int) "
        "WHERE agency = $1",
        agency,
        forwarded_today,
    )


def store_bundle(settings: Settings, survey: str, *, n: int) -> None:
    """Store a bundle of so many responses of January 2024, without their values."""
    rows(
        settings,
        "INSERT INTO feedback.survey_bundle (region, survey, id, formed_on, n, first_day, "
        "last_day, versions, tally) VALUES ($1, $2, gen_random_uuid(), '2024-01-01', $3, "
        "'2024-01-01', '2024-01-31', '{1}', '{}')",
        settings.region,
        survey,
        n,
    )
