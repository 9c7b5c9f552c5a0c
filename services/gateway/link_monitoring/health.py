"""Current health of links, for the API and for pages."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy import text

from services.gateway.link_monitoring.classify import Reason, State
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, WriteSession

HEALTH = """
-- The status of links with their open incident and current maintenance.
SELECT link.slug, coalesce(state, 'pending') AS state,
    CASE WHEN state IS NULL THEN 'not_checked' ELSE reason END AS reason,
    since, checked_at, response_ms, certificate_expires_at, domain_expires_at,
    incident.id AS incident, incident.opened_at AS incident_since,
    maintenance.ends_at AS maintenance_until
FROM gateway.link
LEFT JOIN gateway.link_status USING (region, slug)
LEFT JOIN gateway.link_host
    ON link_host.region = link_status.region AND link_host.host = link_status.host
LEFT JOIN LATERAL (
    SELECT id, opened_at FROM gateway.incident
    WHERE incident.region = link.region AND incident.slug = link.slug AND closed_at IS NULL
    ORDER BY opened_at LIMIT 1) incident ON true
LEFT JOIN LATERAL (
    SELECT max(ends_at) AS ends_at FROM gateway.maintenance
    WHERE maintenance.region = link.region AND maintenance.slug = link.slug
        AND starts_at <= :now AND :now < ends_at) maintenance ON true
WHERE link.region = :region AND (CAST(:slug AS text) IS NULL OR link.slug = :slug)
"""


class LinkHealth(ApiModel):
    """The current health of a link."""

    state: State = Field(
        description="`caution`: it responds, but a citizen may not get through, or the hub "
        "cannot verify it. `pending`: not checked, or the hub's own network is down."
    )
    reason: Reason | None = Field(description="Reason code; null if the link is up.")
    since: AwareDatetime | None = Field(description="When it entered this state.")
    checked_at: AwareDatetime | None
    response_ms: int | None = Field(description="Time of the last response in milliseconds.")
    certificate_expires_at: AwareDatetime | None = Field(
        description="When the TLS certificate ends; null without one."
    )
    domain_expires_at: AwareDatetime | None = Field(
        description="Expiration of its domain according to the registry's last response."
    )
    incident: UUID | None = Field(description="The open incident that began first.")
    incident_since: AwareDatetime | None = Field(
        description="Since when an incident lasts; null without one."
    )
    maintenance_until: AwareDatetime | None = Field(description="End of the current maintenance.")

    @property
    def disruption(self) -> Literal["maintenance", "incident"] | None:
        """What citizens should be warned of."""
        if self.maintenance_until is not None:
            return "maintenance"
        return "incident" if self.incident is not None else None


async def read_link_health(
    session: ReadSession | WriteSession, region: str, *, now: datetime, slug: str | None = None
) -> dict[str, LinkHealth]:
    """Return the health of every link, or of one, by slug."""
    rows = await session.execute(text(HEALTH), {"region": region, "slug": slug, "now": now})
    values = (dict(row) for row in rows.mappings())
    return {row.pop("slug"): LinkHealth.model_validate(row) for row in values}
