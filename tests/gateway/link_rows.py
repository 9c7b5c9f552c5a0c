"""Links, their checks and their hosts as the gateway stores them, with clocks to move."""

from datetime import datetime

from services.platform.settings import Settings
from tests.rows import rows


def make_hosts_available(settings: Settings) -> None:
    """End the pause, or the lease, of every host: its next link may be checked."""
    rows(settings, "UPDATE gateway.link_host SET available_at = now()")


def make_links_due(settings: Settings, *, host_prefix: str = "") -> None:
    """Make the checks of all links due, or of those whose host starts like this."""
    rows(
        settings,
        "UPDATE gateway.link_status SET due_at = now() WHERE starts_with(host, $1)",
        host_prefix,
    )


def make_links_due_tomorrow(settings: Settings) -> None:
    rows(settings, "UPDATE gateway.link_status SET due_at = now() + interval '1 day'")


def make_last_checks_older(settings: Settings, *, minutes: int) -> None:
    """Move the last check of every link into the past."""
    rows(
        settings,
        "UPDATE gateway.link_status SET checked_at = checked_at - $1::int * interval '1 minute'",
        minutes,
    )


def make_checks_older(settings: Settings, *, minutes: int) -> None:
    """Move every check, and the incidents that rest on them, into the past."""
    for change in (
        "UPDATE gateway.link_check SET checked_at = checked_at - $1::int * interval '1 minute'",
        "UPDATE gateway.incident SET opened_at = opened_at - $1::int * interval '1 minute'",
        "UPDATE gateway.link_status SET checked_at = checked_at - $1::int * interval '1 minute', "
        "down_since = down_since - $1::int * interval '1 minute'",
    ):
        rows(settings, change, minutes)


def is_a_host_leased(settings: Settings) -> bool:
    """Return whether a replica is checking a link now."""
    return bool(rows(settings, "SELECT FROM gateway.link_host WHERE lease_id IS NOT NULL"))


def checks_by_link(settings: Settings) -> list[tuple[str, int]]:
    """Return the number of stored checks of each link that has any."""
    query = "SELECT slug, count(*) FROM gateway.link_check GROUP BY slug ORDER BY slug"
    return [tuple(row) for row in rows(settings, query)]


def count_checks(settings: Settings) -> int:
    return rows(settings, "SELECT count(*) FROM gateway.link_check")[0][0]


def registered_links(settings: Settings) -> list[str]:
    """Return the links that are checked."""
    return [row[0] for row in rows(settings, "SELECT slug FROM gateway.link_status")]


def store_checks(
    settings: Settings,
    slug: str,
    begin: datetime,
    count: int,
    *,
    minutes_apart: int = 1,
    ms_step: int = 10,
) -> None:
    """Store successful checks of a link, each slower than the one before by `ms_step`."""
    rows(
        settings,
        """
        INSERT INTO gateway.link_check (region, slug, id, checked_at, state, detail, response_ms,
            final_url, in_maintenance)
        SELECT $1::text, $2::text, gen_random_uuid(),
            $3::timestamptz + n * $5::int * interval '1 minute', 'ok', '', n * $6::int, '', false
        FROM generate_series(1, $4::int) n
        """,
        settings.region,
        slug,
        begin,
        count,
        minutes_apart,
        ms_step,
    )


def store_uptime_of_march_2024(settings: Settings, slug: str) -> None:
    """Store 5 March 2024: 7000 s ok, 200 s caution, 600 s broken, 5400 s in maintenance."""
    rows(
        settings,
        "INSERT INTO gateway.link_uptime_day (region, slug, day, ok_seconds, caution_seconds, "
        "broken_seconds, maintenance_seconds) VALUES ($1, $2, '2024-03-05', 7000, 200, 600, 5400)",
        settings.region,
        slug,
    )


def add_broken_second(settings: Settings) -> None:
    """Add a second of failure to every stored day."""
    rows(settings, "UPDATE gateway.link_uptime_day SET broken_seconds = broken_seconds + 1")


def store_incident(
    settings: Settings, slug: str, *, reason: str | None, opened: datetime, closed: datetime | None
) -> None:
    """Store an incident, opened automatically if it has a reason."""
    rows(
        settings,
        "INSERT INTO gateway.incident (region, id, slug, title, title_en, reason, automatic, "
        "opened_by, opened_at, closed_at) VALUES ($1, gen_random_uuid(), $2, 'Berkas hilang', "
        "'Files lost', $3::text, $3::text IS NOT NULL, 'x', $4, $5)",
        settings.region,
        slug,
        reason,
        opened,
        closed,
    )


def copy_link(settings: Settings, original: str, *, slug: str, url: str) -> None:
    """Store a link like another one, at another address."""
    rows(
        settings,
        "INSERT INTO gateway.link (region, slug, url, content) "
        "SELECT region, $2::text, $3::text, content FROM gateway.link WHERE slug = $1",
        original,
        slug,
        url,
    )


def delete_link(settings: Settings, slug: str) -> None:
    rows(settings, "DELETE FROM gateway.link WHERE slug = $1", slug)


def stored_url(settings: Settings, slug: str) -> str:
    return rows(settings, "SELECT content ->> 'url' FROM gateway.link WHERE slug = $1", slug)[0][0]


def known_domains(settings: Settings) -> list[tuple[str | None, datetime | None]]:
    """Return the domain of each host and its end, as far as a registry answered."""
    found = rows(settings, "SELECT domain, domain_expires_at FROM gateway.link_host")
    return [tuple(row) for row in found]


def is_a_domain_known(settings: Settings) -> bool:
    return any(domain is not None for domain, _ in known_domains(settings))


def make_domains_due(settings: Settings) -> None:
    """Make the query about the domain of every host due."""
    rows(settings, "UPDATE gateway.link_host SET domain_due_at = now()")


def hours_until_domains_are_due(settings: Settings) -> list[float]:
    query = "SELECT extract(epoch FROM domain_due_at - now()) / 3600 FROM gateway.link_host"
    return [float(row[0]) for row in rows(settings, query)]


def set_link_state(settings: Settings, slug: str, state: str) -> None:
    """Give a link a state, as if it had been checked."""
    rows(
        settings,
        "INSERT INTO gateway.link_status (region, slug, host, state, reason, detail, since, due_at)"
        " VALUES ($1, $2, 'example.org', $3, 'status', '', now(), now())"
        " ON CONFLICT (region, slug) DO UPDATE SET state = excluded.state",
        settings.region,
        slug,
        state,
    )
