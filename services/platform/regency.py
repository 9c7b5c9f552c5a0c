"""The regency's record from its pack, stored in each schema that needs it.

Services do not read each other's tables, so that each keeps its own copy.
"""

from typing import Any

from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession
from services.platform.packs import Change, Pack, changes_between
from services.platform.settings import Service


async def find_regency(
    session: ReadSession | WriteSession, service: Service, region: str
) -> Pack | None:
    """Return the regency's record; None before a pack is loaded."""
    content = await session.scalar(
        text(f"SELECT content FROM {service.value}.regency WHERE region = :region"),  # noqa: S608
        {"region": region},
    )
    return None if content is None else Pack.model_validate(content)


async def find_lead_agency(
    session: ReadSession | WriteSession, service: Service, region: str
) -> str | None:
    """Return the agency that leads the collaboration; None if no pack names one."""
    regency = await find_regency(session, service, region)
    return None if regency is None else regency.lead_agency


async def store_regency(
    session: WriteSession, service: Service, region: str, pack: Pack
) -> list[Change]:
    """Store the pack's record and return what changed."""
    before = await find_regency(session, service, region)
    stored: dict[str, dict[str, Any]] = (
        {} if before is None else {region: before.model_dump(mode="json")}
    )
    changes = changes_between("regency", stored, {region: pack.model_dump(mode="json")})
    if changes:
        statement = f"""
        INSERT INTO {service.value}.regency (region, content)
        VALUES (:region, CAST(:content AS jsonb))
        ON CONFLICT (region) DO UPDATE SET content = excluded.content
        """  # noqa: S608 - the schema is a constant of the service
        await session.execute(
            text(statement), {"region": region, "content": pack.model_dump_json()}
        )
    return changes
