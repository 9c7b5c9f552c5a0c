"""Clicks as the gateway's outbox and the feedback service store them."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from services.platform.settings import Settings
from tests.rows import rows


def waiting_clicks(settings: Settings) -> list[str]:
    """Return the links of the clicks that are not delivered yet, oldest first."""
    query = "SELECT event ->> 'link' FROM gateway.click_outbox WHERE refused_at IS NULL ORDER BY id"
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
        INSERT INTO gateway.click_outbox (region, id, event)
        SELECT e.region, e.id, jsonb_build_object('id', e.id, 'kind', kind, 'source', source,
            'link', link, 'channel', channel, 'occurred_at', occurred_at)
        FROM feedback.event e JOIN feedback.event_dimensions d ON d.id = e.dimensions
        """,
    )


def queue_click(settings: Settings, number: int, event: dict[str, Any] | None = None) -> str:
    """Put an event into the outbox, if one is given, before all others; return its id."""
    event_id = f"00000000-0000-7000-8000-{number:012}"
    if event is not None:
        rows(
            settings,
            "INSERT INTO gateway.click_outbox (region, id, event) VALUES ($1, $2, $3)",
            settings.region,
            event_id,
            json.dumps(event),
        )
    return event_id


def make_click_happen_now(settings: Settings, event_id: str) -> None:
    """Set the time of a click in the outbox to the current time."""
    rows(
        settings,
        "UPDATE gateway.click_outbox "
        "SET event = event || jsonb_build_object('occurred_at', now()) WHERE id = $1",
        event_id,
    )


def forbid_queueing(settings: Settings) -> None:
    """Make every insertion into the outbox fail."""
    rows(settings, "REVOKE INSERT ON gateway.click_outbox FROM emall_gateway")


def allow_queueing(settings: Settings) -> None:
    """Let the gateway store clicks again."""
    rows(settings, "GRANT INSERT ON gateway.click_outbox TO emall_gateway")


def queue_click_of(settings: Settings, at: datetime) -> None:
    """Put a click on a portal of this time into the outbox."""
    milliseconds = f"{int(at.timestamp() * 1000):012x}"
    event_id = f"{milliseconds[:8]}-{milliseconds[8:]}-7000-8000-000000000000"
    event = {"id": event_id, "kind": "click_out", "source": "gateway", "link": "simbg"}
    rows(
        settings,
        "INSERT INTO gateway.click_outbox (region, id, event) VALUES ($1, $2, $3)",
        settings.region,
        event_id,
        json.dumps(event | {"channel": "online", "occurred_at": at.isoformat()}),
    )


def refuse_click(settings: Settings, event_id: str) -> None:
    """Set an event in the outbox aside, as if feedback had refused it."""
    rows(
        settings,
        "UPDATE gateway.click_outbox SET refused_at = now(), reason = 'refused' WHERE id = $1",
        event_id,
    )


@contextmanager
def held_deliveries(settings: Settings) -> Generator[None]:
    """Let every delivery of clicks fail until the block ends, and the clicks wait."""
    rows(settings, "REVOKE DELETE ON gateway.click_outbox FROM emall_gateway")
    yield
    rows(settings, "GRANT DELETE ON gateway.click_outbox TO emall_gateway")
