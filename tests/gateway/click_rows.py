"""Clicks as the gateway's outbox and the feedback service store them."""

from typing import Any

from services.platform.settings import Settings
from tests.rows import rows


def waiting_clicks(settings: Settings) -> list[str]:
    """Return the links of the clicks that are not delivered yet, oldest first."""
    query = "SELECT event ->> 'link' FROM gateway.click_outbox ORDER BY id"
    return [row[0] for row in rows(settings, query)]


def waiting_words(settings: Settings) -> list[str | None]:
    """Return the services of the clicks that are not delivered yet."""
    query = "SELECT event ->> 'service' FROM gateway.click_outbox ORDER BY id"
    return [row[0] for row in rows(settings, query)]


def remove_service(settings: Settings, slug: str) -> None:
    """Remove a service from those that the gateway knows, as a new pack does."""
    rows(settings, "DELETE FROM gateway.service WHERE slug = $1", slug)


def counted_clicks(settings: Settings) -> list[tuple[str, str, int]]:
    """Return link, service and count of what feedback counted, at once and uncached."""
    found = rows(
        settings,
        """
        SELECT link, service, sum(events)::int FROM feedback.monthly_usage m
        JOIN feedback.event_dimensions d ON d.id = m.dimensions
        GROUP BY link, service ORDER BY link, service
        """,
    )
    return [tuple(row) for row in found]


def stored_events(settings: Settings) -> list[tuple[Any, ...]]:
    """Return all dimensions of each stored event."""
    found = rows(
        settings,
        """
        SELECT kind, source, link, service, agency, channel, district FROM feedback.event e
        JOIN feedback.event_dimensions d ON d.id = e.dimensions
        """,
    )
    return [tuple(row) for row in found]


def queue_delivered_click_again(settings: Settings) -> None:
    """Put the one stored click into the outbox again, as if its delivery was not confirmed."""
    rows(
        settings,
        """
        INSERT INTO gateway.click_outbox
        SELECT e.region, e.id, jsonb_build_object('id', e.id, 'kind', kind, 'source', source,
            'link', link, 'channel', channel, 'occurred_at', occurred_at)
        FROM feedback.event e JOIN feedback.event_dimensions d ON d.id = e.dimensions
        """,
    )


def forbid_queueing(settings: Settings) -> None:
    """Make every insertion into the outbox fail."""
    rows(settings, "REVOKE INSERT ON gateway.click_outbox FROM emall_gateway")
