"""Polled sources and what was read from them, with clocks to move."""

from services.platform.settings import Settings
from tests.rows import rows


def delete_announcements(settings: Settings) -> None:
    rows(settings, "DELETE FROM gateway.announcement")


def forget_dates(settings: Settings) -> None:
    """Make every announcement one whose website states no date."""
    rows(settings, "UPDATE gateway.announcement SET dated_at = NULL")


def delete_statistics(settings: Settings) -> None:
    rows(settings, "DELETE FROM feedback.statistic")


def reset_sources(settings: Settings) -> None:
    """Make every source one that was never polled: no entity tags, no lease, no failure."""
    rows(
        settings,
        "UPDATE gateway.connected_source SET validators = '{}', lease_id = NULL, "
        "fetched_at = NULL, reason = NULL",
    )


def make_sources_due(settings: Settings) -> None:
    """Make the next poll of every source due; a lease that a replica holds has ended."""
    rows(settings, "UPDATE gateway.connected_source SET due_at = now() - interval '1 s'")


def lease_source(settings: Settings, slug: str) -> None:
    """Lease a source for a minute, as a replica that is polling it."""
    rows(
        settings,
        "UPDATE gateway.connected_source SET lease_id = gen_random_uuid(), "
        "due_at = now() + interval '1 min' WHERE slug = $1",
        slug,
    )


def set_source_url(settings: Settings, slug: str, url: str) -> None:
    rows(
        settings,
        "UPDATE gateway.connected_source "
        "SET content = content || jsonb_build_object('url', $2::text) WHERE slug = $1",
        slug,
        url,
    )


def make_last_polls_an_hour_old(settings: Settings) -> None:
    rows(settings, "UPDATE gateway.connected_source SET fetched_at = now() - interval '1 hour'")
