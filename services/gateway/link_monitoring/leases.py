"""Leases of hosts: each due check runs at one replica, and at one check per host at a time."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import text

from services.platform.database import WriteSession
from services.platform.jobs import LeaseTable

LEASE = timedelta(minutes=2)
"""How long a check may take before another replica may repeat it."""

HOST_COOLDOWN = timedelta(seconds=5)
"""Minimum time between two checks of links on the same host."""

REGISTER_HOSTS = """
-- Insert a row for every host of a link; checks lock it.
INSERT INTO gateway.link_host (region, host, available_at)
SELECT DISTINCT region, lower(substring(url FROM '^[a-z]+://([^/?#]+)')), now()
FROM gateway.link WHERE region = :region
ON CONFLICT DO NOTHING
"""

REGISTER_LINKS = """
-- Insert a status row for every new or moved link; first checks are spread over an interval.
INSERT INTO gateway.link_status (region, slug, host, state, reason, detail, since, due_at)
SELECT region, slug, parsed.host, 'pending', 'not_checked', '', now(),
    now() + random() * CAST(:spread AS interval)
FROM gateway.link
CROSS JOIN LATERAL (SELECT lower(substring(url FROM '^[a-z]+://([^/?#]+)')) AS host) parsed
LEFT JOIN gateway.link_status existing USING (region, slug)
WHERE region = :region AND existing.host IS DISTINCT FROM parsed.host
ON CONFLICT (region, slug) DO UPDATE SET host = excluded.host, due_at = now()
"""

DELETE_REMOVED_LINKS = """
-- Delete the status of links that are no longer in the pack.
DELETE FROM gateway.link_status WHERE region = :region AND slug NOT IN (
    SELECT slug FROM gateway.link WHERE region = :region)
"""

DUE_HOSTS = LeaseTable(
    "gateway.link_host",
    ("host",),
    lease=LEASE,
    due="available_at",
    lease_column="lease_id",
    condition="""EXISTS (SELECT 1 FROM gateway.link_status
        WHERE link_status.region = t.region AND link_status.host = t.host
            AND link_status.due_at <= now())""",
)
"""Hosts that are available and have a link to check; only one link of a host is checked at once."""

FIND_DUE_LINK = """
-- The longest due link of a locked host.
SELECT link.slug, link.url, link.content ->> 'expected_text' AS expected_text
FROM gateway.link_status JOIN gateway.link USING (region, slug)
WHERE region = :region AND host = :host AND due_at <= now()
ORDER BY due_at LIMIT 1
"""

LEASE_HOST_OF_LINK = """
-- Lease the host of a link if it is available.
UPDATE gateway.link_host SET lease_id = :lease_id, available_at = now() + :lease
FROM gateway.link_status JOIN gateway.link USING (region, slug)
WHERE link_host.region = :region AND link_host.host = link_status.host
    AND link_status.region = :region AND slug = :slug AND available_at <= now()
RETURNING link_host.host, link.url, link.content ->> 'expected_text' AS expected_text
"""

RELEASE_HOST = """
-- End a lease and start the cooldown; no row if the lease has been taken over.
UPDATE gateway.link_host SET lease_id = NULL, available_at = now() + :cooldown
WHERE region = :region AND host = :host AND lease_id = :lease_id
RETURNING host
"""


@dataclass(frozen=True)
class Claim:
    """A link whose host this process has leased for a check."""

    id: UUID
    host: str
    slug: str
    url: str
    expected_text: str | None = None


async def register_links(session: WriteSession, region: str, *, spread: timedelta) -> None:
    """Synchronise hosts and statuses with the links of the pack."""
    await session.execute(text(REGISTER_HOSTS), {"region": region})
    await session.execute(text(REGISTER_LINKS), {"region": region, "spread": spread})
    await session.execute(text(DELETE_REMOVED_LINKS), {"region": region})


async def claim_due(session: WriteSession, region: str) -> Claim | None:
    """Claim a due link; None if none is due on an available host."""
    lease_id = uuid4()
    hosts = await DUE_HOSTS.claim(session, region, lease_id=lease_id)
    if not hosts:
        return None
    host = hosts[0].host
    due = (
        await session.execute(text(FIND_DUE_LINK), {"region": region, "host": host})
    ).one_or_none()
    return None if due is None else Claim(lease_id, host, *due)


async def claim_link(session: WriteSession, region: str, slug: str) -> Claim | None:
    """Claim this link; None if its host is leased or cooling down."""
    lease_id = uuid4()
    parameters = {"region": region, "slug": slug, "lease_id": lease_id, "lease": LEASE}
    leased = (await session.execute(text(LEASE_HOST_OF_LINK), parameters)).one_or_none()
    if leased is None:
        return None
    return Claim(lease_id, leased.host, slug, leased.url, leased.expected_text)


async def release(session: WriteSession, region: str, claim: Claim) -> bool:
    """Release the host; False if the lease expired and another replica has taken it."""
    parameters = {
        "region": region,
        "host": claim.host,
        "lease_id": claim.id,
        "cooldown": HOST_COOLDOWN,
    }
    return await session.scalar(text(RELEASE_HOST), parameters) is not None
