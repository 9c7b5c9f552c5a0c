"""Whether the hub is to blame for a failed check: its network, or its clock.

A portal is called down only if the hub can reach others. So before a failure of the network is
recorded, some other sites are asked for a connection, and all are judged together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from sqlalchemy import text

from services.gateway.link_monitoring.classify import CLOCK_TOLERANCE
from services.gateway.outbound.browsing.cookies import PUBLIC_LABELS
from services.platform.database import ReadSession

MIN_SITES = 3
"""Sites that must be known, the failed one among them, to tell the hub's fault from theirs."""

NEARLY_ALL = 0.8
"""Share of sites that must fail; one beside the hub may be reachable without the Internet."""

MAX_WITNESSES = 4

TOO_FEW_SITES = "The hub knows too few other sites to rule out a fault of its own network."

OTHER_LINKS = """
-- The links of other hosts, those first that were reachable last.
SELECT host, url, reachable, checked_at
FROM gateway.link_status JOIN gateway.link USING (region, slug)
WHERE region = :region AND host <> :host
ORDER BY reachable DESC, checked_at DESC NULLS LAST, slug
"""


@dataclass(frozen=True)
class Witness:
    """A link of another site."""

    site: str
    url: str


def site_of(host: str) -> str:
    """Return what fails together: the registered domain of a host, or an address with its port."""
    name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        labels = name.rstrip(".").split(".")
        count = 3 if len(labels) > 2 and labels[-2] in PUBLIC_LABELS else 2
        return ".".join(labels[-count:])
    return host


async def find_witnesses(session: ReadSession, region: str, host: str) -> list[Witness]:
    """Return links of some other sites, at most `MAX_WITNESSES`."""
    rows = await session.execute(text(OTHER_LINKS), {"region": region, "host": host})
    witnesses: dict[str, Witness] = {}
    for row in rows:
        site = site_of(row.host)
        if site != site_of(host):
            witnesses.setdefault(site, Witness(site, row.url))
    return list(witnesses.values())[:MAX_WITNESSES]


async def read_checks_since(
    session: ReadSession, region: str, host: str, *, since: datetime
) -> list[bool]:
    """Return of each other site that was checked since then whether it was reachable."""
    rows = await session.execute(text(OTHER_LINKS), {"region": region, "host": host})
    sites: dict[str, bool] = {}
    for row in rows:
        site = site_of(row.host)
        if row.checked_at is not None and row.checked_at >= since and site != site_of(host):
            sites[site] = sites.get(site, False) or row.reachable
    return list(sites.values())


def is_hub_offline(others: Sequence[bool]) -> bool:
    """Return whether the hub's own network is down, while one more site fails.

    `others` says of each other site whether it is reachable.
    """
    failed = 1 + sum(not is_reachable for is_reachable in others)
    sites = 1 + len(others)
    return failed >= MIN_SITES and failed >= NEARLY_ALL * sites


def is_clock_doubtful(
    validity: tuple[datetime, datetime],
    *,
    now: datetime,
    own: timedelta | None,
    others: Sequence[timedelta],
) -> bool:
    """Return whether a certificate is refused because the hub's clock is wrong.

    `own` and `others` are by how much the clocks of its server and of other servers are ahead of
    the hub's. The portal's own clock counts only if no other is known; without any, a certificate
    that is not valid yet is doubtful, since nobody issues one ahead of time.
    """
    begin, end = validity
    offset = sorted(others)[len(others) // 2] if others else own
    if offset is None:
        return begin > now
    return abs(offset) > CLOCK_TOLERANCE and begin <= now + offset <= end
