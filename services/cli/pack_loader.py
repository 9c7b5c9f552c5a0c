"""Loads a pack: reads and validates the part of every service, then stores what differs."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from services.assessment.pack import load_evidence, read_evidence
from services.catalog.pack import load_catalog, read_catalog
from services.cli.audit import audit_command
from services.feedback.pack import ReportingObligation, load_feedback, read_feedback
from services.feedback.reference_data import ReferenceCodes
from services.gateway.connectors.pack import load_connectors, read_connectors
from services.gateway.link_monitoring.pack import load_links, read_links
from services.gateway.portal.posters.codes import load_posters, subjects_of
from services.gateway.regency.districts import load_districts, read_districts
from services.gateway.regency.loaded_pack import pack_archive, store_loaded_pack
from services.gateway.regency.services import store_services
from services.platform.database import Database, WriteSession
from services.platform.local_time import month_of
from services.platform.packs import Change, Pack, PackError, parse, read_yaml
from services.platform.regency import store_regency
from services.platform.running_versions import list_other_versions
from services.platform.settings import Service, Settings


class _RolledBackError(Exception):
    """Rolls a transaction back."""


class OtherVersionsError(Exception):
    """Processes of another version work on the database, and may not read what would be stored."""

    def __init__(self, processes: Sequence[str]) -> None:
        super().__init__(
            f"processes of another version of the hub are running: {', '.join(processes)}. They "
            "may not understand this pack; restart them with this version, then load it"
        )


async def load_pack(
    settings: Settings, root: Path, *, dry_run: bool = False, beside_others: bool = False
) -> list[Change]:
    """Validate a pack as a whole, then store the differences, one transaction per part.

    Return the changes; with `dry_run` every transaction is rolled back. Raise `PackError` with
    every issue of the pack, in which case nothing was stored, and `OtherVersionsError` while
    processes of another version run, unless it shall be loaded `beside_others`.
    """
    parsed = read_yaml(root / "pack.yaml", root)
    pack = parse(parsed, Pack)
    if pack.region != settings.region:
        message = f"this hub serves region {settings.region} (EMALL_REGION), not {pack.region}"
        raise PackError([parsed.issue(("region",), message)])
    catalog = read_catalog(root)
    agencies = {agency.slug for agency in catalog.agencies}
    if pack.lead_agency is not None and pack.lead_agency not in agencies:
        message = f"there is no agency {pack.lead_agency!r} in this pack"
        raise PackError([parsed.issue(("lead_agency",), message)])
    links = read_links(root)
    connectors = read_connectors(
        root, services={service.slug: service.agency for service in catalog.services}
    )
    districts = read_districts(root)
    feedback = read_feedback(root)
    evidence = read_evidence(root)
    obligations = sorted(
        ReportingObligation(
            service.agency,
            service.slug,
            service.name,
            tuple(dict.fromkeys(channel.kind for channel in service.channels)),
            pack.first_reporting_month,
        )
        for service in catalog.services
    )
    references = ReferenceCodes(
        agencies=[agency.slug for agency in catalog.agencies],
        links=[link.slug for link in links],
        districts=[district.code for district in districts],
    )
    posters = subjects_of(
        [service.slug for service in catalog.services],
        [agency.slug for agency in catalog.agencies],
    )

    if not (dry_run or beside_others):
        await _require_one_version(settings)
    now = datetime.now(UTC)
    region = settings.region

    async def store_copy(session: WriteSession, service: Service) -> list[Change]:
        await store_regency(session, service, region, pack)
        return []  # the gateway's copy reports what changed

    async def load_service_slugs(session: WriteSession) -> list[Change]:
        await store_services(session, region, [service.slug for service in catalog.services])
        return []  # the catalogue reports what changed

    name, archive = await asyncio.to_thread(pack_archive, root)

    async def store_files(session: WriteSession) -> list[Change]:
        await store_loaded_pack(session, region, name, archive)
        return []  # each part reports what changed

    parts = (
        (Service.catalog, lambda session: load_catalog(session, region, catalog, now=now)),
        (Service.gateway, lambda session: store_regency(session, Service.gateway, region, pack)),
        (Service.gateway, lambda session: load_links(session, region, links)),
        (Service.gateway, lambda session: load_connectors(session, region, connectors)),
        (Service.gateway, lambda session: load_districts(session, region, districts)),
        (Service.gateway, load_service_slugs),
        (Service.gateway, store_files),
        (Service.gateway, lambda session: load_posters(session, region, posters)),
        (Service.feedback, lambda session: store_copy(session, Service.feedback)),
        (
            Service.feedback,
            lambda session: load_feedback(
                session,
                region,
                feedback,
                obligations=obligations,
                references=references,
                month=month_of(now, ZoneInfo(pack.timezone)),
            ),
        ),
        (Service.assessment, lambda session: load_evidence(session, region, evidence, now=now)),
        (Service.assessment, lambda session: store_copy(session, Service.assessment)),
    )
    changes: list[Change] = []

    async def append_audit_line(session: WriteSession) -> list[Change]:
        if changes:
            target = f"{pack.name}: {len(changes)} changes"
            await audit_command(session, region, "load", target, now=now)
        return []

    for service, load_part in (*parts, (Service.gateway, append_audit_line)):
        database = Database(settings, service)
        try:
            with contextlib.suppress(_RolledBackError):
                async with database.write_session() as session:
                    changes += await load_part(session)
                    if dry_run:
                        raise _RolledBackError
        finally:
            await database.close()
    return changes


async def _require_one_version(settings: Settings) -> None:
    database = Database(settings, Service.gateway)
    try:
        async with database.read_session() as session:
            if others := await list_other_versions(session):
                raise OtherVersionsError(others)
    finally:
        await database.close()
