"""What is known of each link now, for the API and for pages."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy import text

from services.gateway.link_monitoring.classify import Reason, State
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession

HEALTH = """
-- The standing of links, with the incident that is open and the maintenance that is on.
SELECT link.slug, coalesce(state, 'pending') AS state,
    CASE WHEN state IS NULL THEN 'not_checked' ELSE reason END AS reason,
    since, checked_at, response_ms, certificate_expires_at, domain_expires_at,
    incident.id AS incident, incident.opened_at AS incident_since,
    maintenance.ends_at AS maintenance_until
FROM gateway.link
LEFT JOIN gateway.link_health USING (region, slug)
LEFT JOIN gateway.link_host
    ON link_host.region = link_health.region AND link_host.host = link_health.host
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
    """What is known of a link now."""

    state: State = Field(
        description="`caution`: it answers, yet a citizen may not get through, or the hub cannot "
        "tell. `pending`: not known."
    )
    reason: Reason | None = Field(description="Why it is not ok.")
    since: AwareDatetime | None = Field(description="Since when it is in this state.")
    checked_at: AwareDatetime | None
    response_ms: int | None = Field(description="Milliseconds until the last answer.")
    certificate_expires_at: AwareDatetime | None
    domain_expires_at: AwareDatetime | None = Field(
        description="End of the registration of its domain, as its registry said last."
    )
    incident: UUID | None = Field(description="The incident that has been open longest.")
    incident_since: AwareDatetime | None
    maintenance_until: AwareDatetime | None = Field(description="End of maintenance that is on.")

    @property
    def trouble(self) -> Literal["maintenance", "incident"] | None:
        """What citizens should hear of before they set out."""
        if self.maintenance_until is not None:
            return "maintenance"
        return "incident" if self.incident is not None else None


async def health_of_links(
    session: ReadSession, region: str, *, now: datetime, slug: str | None = None
) -> dict[str, LinkHealth]:
    """The health of every link, or of one, by slug."""
    rows = await session.execute(text(HEALTH), {"region": region, "slug": slug, "now": now})
    found = (dict(row) for row in rows.mappings())
    return {row.pop("slug"): LinkHealth.model_validate(row) for row in found}
