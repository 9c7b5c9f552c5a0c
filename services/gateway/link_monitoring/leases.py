"""Who checks which link now: once, however many replicas there are, and one per host at a time."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import text

from services.platform.database import WriteSession

LEASE = timedelta(minutes=2)
"""How long a check may take before another replica does it again."""

GAP = timedelta(seconds=5)
"""The rest that a host has between two checks of links on it."""

ENROL_HOSTS = """
-- A row for every host of a link, to be locked by whoever checks one of its links.
INSERT INTO gateway.link_host (region, host, free_at)
SELECT DISTINCT region, lower(substring(url FROM '^[a-z]+://([^/?#]+)')), now()
FROM gateway.link WHERE region = :region
ON CONFLICT DO NOTHING
"""

ENROL_LINKS = """
-- A row for every link; the first checks are spread over a while.
INSERT INTO gateway.link_health (region, slug, host, state, reason, detail, since, due_at)
SELECT region, slug, named.host, 'pending', 'not_checked', '', now(),
    now() + random() * CAST(:spread AS interval)
FROM gateway.link
CROSS JOIN LATERAL (SELECT lower(substring(url FROM '^[a-z]+://([^/?#]+)')) AS host) named
LEFT JOIN gateway.link_health known USING (region, slug)
WHERE region = :region AND known.host IS DISTINCT FROM named.host
ON CONFLICT (region, slug) DO UPDATE SET host = excluded.host, due_at = now()
"""

FORGET_LINKS = """
-- Links that are no longer in the pack.
DELETE FROM gateway.link_health WHERE region = :region AND slug NOT IN (
    SELECT slug FROM gateway.link WHERE region = :region)
"""

TAKE_HOST = """
-- The host that has rested longest of those with a link that is due; nobody else sees it.
SELECT host FROM gateway.link_host
WHERE region = :region AND free_at <= now() AND EXISTS (
    SELECT 1 FROM gateway.link_health
    WHERE link_health.region = link_host.region AND link_health.host = link_host.host
        AND due_at <= now())
ORDER BY free_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""

DUE_LINK = """
-- Of a host that is locked, the link that has waited longest.
SELECT link.slug, link.url FROM gateway.link_health JOIN gateway.link USING (region, slug)
WHERE region = :region AND host = :host AND due_at <= now()
ORDER BY due_at LIMIT 1
"""

LEASE_HOST = """
-- The host is taken until the check is over, or until its lease ends with the process that had it.
UPDATE gateway.link_host SET claim = :claim, free_at = now() + :lease
WHERE region = :region AND host = :host
"""

TAKE_LINK = """
-- The host of one link, if nobody is at it.
UPDATE gateway.link_host SET claim = :claim, free_at = now() + :lease
FROM gateway.link_health JOIN gateway.link USING (region, slug)
WHERE link_host.region = :region AND link_host.host = link_health.host
    AND link_health.region = :region AND slug = :slug AND free_at <= now()
RETURNING link_host.host, link.url
"""

RELEASE = """
-- The host rests; nothing where the lease had ended and somebody else is at it.
UPDATE gateway.link_host SET claim = NULL, free_at = now() + :gap
WHERE region = :region AND host = :host AND claim = :claim
RETURNING host
"""


@dataclass(frozen=True)
class Claim:
    """A link that this process, and no other, checks now."""

    id: UUID
    host: str
    slug: str
    url: str


async def enrol(session: WriteSession, region: str, *, spread: timedelta) -> None:
    """Makes the links of the pack known to the checks."""
    await session.execute(text(ENROL_HOSTS), {"region": region})
    await session.execute(text(ENROL_LINKS), {"region": region, "spread": spread})
    await session.execute(text(FORGET_LINKS), {"region": region})


async def claim_due(session: WriteSession, region: str) -> Claim | None:
    """Takes a link whose check is due; None where none is."""
    host = await session.scalar(text(TAKE_HOST), {"region": region})
    if host is None:
        return None
    of_host = {"region": region, "host": host}
    due = (await session.execute(text(DUE_LINK), of_host)).one_or_none()
    if due is None:
        return None
    claim = uuid4()
    await session.execute(text(LEASE_HOST), of_host | {"claim": claim, "lease": LEASE})
    return Claim(claim, host, due.slug, due.url)


async def claim_link(session: WriteSession, region: str, slug: str) -> Claim | None:
    """Takes this link; None where its host is being checked or rests."""
    claim = uuid4()
    taken = (
        await session.execute(
            text(TAKE_LINK), {"region": region, "slug": slug, "claim": claim, "lease": LEASE}
        )
    ).one_or_none()
    return None if taken is None else Claim(claim, taken.host, slug, taken.url)


async def release(session: WriteSession, region: str, claim: Claim) -> bool:
    """Gives the host back; False where the claim is no longer in force."""
    parameters = {"region": region, "host": claim.host, "claim": claim.id, "gap": GAP}
    return await session.scalar(text(RELEASE), parameters) is not None
