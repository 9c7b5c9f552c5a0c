"""Loads a pack: reads and validates the part of every service, then stores what differs."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from services.assessment.pack import EvidencePack, load_evidence, read_evidence
from services.catalog.link_names import replace_links
from services.catalog.pack import CatalogPack, load_catalog, read_catalog
from services.catalog.pack_export import stored_records
from services.catalog.records import Agency, is_reported
from services.catalog.records import Service as CatalogService
from services.cli.audit import audit_command
from services.feedback.pack import FeedbackPack, load_feedback, read_feedback
from services.feedback.reference_data import ReferenceCodes
from services.feedback.reporting_obligations import ReportingObligation
from services.gateway.connectors.pack import load_connectors, read_connectors
from services.gateway.link_monitoring.pack import load_links, read_links
from services.gateway.link_monitoring.records import Link
from services.gateway.portal.posters.codes import load_posters, subjects_of
from services.gateway.regency.districts import District, load_districts, read_districts
from services.gateway.regency.link_names import find_link_names
from services.gateway.regency.loaded_pack import pack_archive, store_loaded_pack
from services.gateway.regency.services import store_services
from services.platform.arms import check_arms
from services.platform.database import Database, WriteSession
from services.platform.local_time import month_of
from services.platform.months import add_months
from services.platform.packs import Change, Pack, PackError, PackModel, ParsedFile, parse, read_yaml
from services.platform.regency import store_regency
from services.platform.running_versions import list_other_versions
from services.platform.settings import Service, Settings
from services.platform.validation_messages import InvalidValueError


class _RolledBackError(Exception):
    """Rolls a transaction back."""


class OtherVersionsError(Exception):
    """Processes of another version work on the database, and may not read what would be stored."""

    def __init__(self, processes: Sequence[str]) -> None:
        super().__init__(
            f"processes of another version of the hub are running: {', '.join(processes)}. They "
            "may not understand this pack; restart them with this version, then load it"
        )


@dataclass(frozen=True)
class ParsedPack:
    """A whole pack, validated."""

    regency: Pack
    catalog: CatalogPack
    links: list[Link]
    connectors: PackModel
    districts: list[District]
    feedback: FeedbackPack
    evidence: EvidencePack


def read_pack(root: Path) -> ParsedPack:
    """Validate every part of a pack; raise `PackError` with every issue of the first that fails."""
    parsed = read_yaml(root / "pack.yaml", root)
    pack = parse(parsed, Pack)
    _check_arms(root, parsed, pack)
    catalog = read_catalog(root)
    agencies = {agency.slug for agency in catalog.agencies}
    if pack.lead_agency is not None and pack.lead_agency not in agencies:
        message = f"there is no agency {pack.lead_agency!r} in this pack"
        raise PackError([parsed.issue(("lead_agency",), message)])
    services = {service.slug: service.agency for service in catalog.services}
    return ParsedPack(
        pack,
        catalog,
        read_links(root),
        read_connectors(root, services=services),
        read_districts(root),
        read_feedback(root),
        read_evidence(root),
    )


def _check_arms(root: Path, parsed: ParsedFile, pack: Pack) -> None:
    """Raise `PackError` if the file of the arms is not there, or no picture that pages may show."""
    arms = None if pack.appearance is None else pack.appearance.arms
    if arms is None:
        return
    file = root / arms.file
    try:
        if file.is_symlink():
            raise FileNotFoundError
        check_arms(file.read_bytes(), arms.file.rpartition(".")[2])
    except FileNotFoundError:
        message = "there is no such file beside pack.yaml"
    except InvalidValueError as error:
        message = str(error)
    else:
        return
    raise PackError([parsed.issue(("appearance", "arms", "file"), message)])


async def load_pack(
    settings: Settings, root: Path, *, dry_run: bool = False, beside_others: bool = False
) -> list[Change]:
    """Validate a pack as a whole, then store the differences, one transaction per part.

    Return the changes; with `dry_run` every transaction is rolled back. Raise `PackError` with
    every issue of the pack, in which case nothing was stored, and `OtherVersionsError` while
    processes of another version run, unless it shall be loaded `beside_others`.
    """
    whole = read_pack(root)
    pack, catalog, links = whole.regency, whole.catalog, whole.links
    if pack.region != settings.region:
        message = f"this hub serves region {settings.region} (EMALL_REGION), not {pack.region}"
        raise PackError([read_yaml(root / "pack.yaml", root).issue(("region",), message)])
    if not (dry_run or beside_others):
        await _require_one_version(settings)
    now = datetime.now(UTC)
    region = settings.region
    services: list[CatalogService] = []
    agencies: list[Agency] = []
    link_names: dict[str, bool] = {}

    async def load_services(session: WriteSession) -> list[Change]:
        changes = await load_catalog(session, region, catalog, now=now)
        # With what was published over the API, which the other parts have to know too.
        services.extend(await stored_records(session, region, CatalogService, "service"))
        agencies.extend(await stored_records(session, region, Agency, "agency"))
        return changes

    async def load_regency_links(session: WriteSession) -> list[Change]:
        changes = await load_links(session, region, links, now=now)
        # With those that people changed over the API, which the other parts have to know too.
        link_names.update(await find_link_names(session, region))
        return changes

    async def store_link_names(session: WriteSession) -> list[Change]:
        await replace_links(session, region, link_names)
        return []  # the gateway's part reports what changed

    async def store_copy(session: WriteSession, service: Service) -> list[Change]:
        await store_regency(session, service, region, pack)
        return []  # the gateway's copy reports what changed

    async def load_service_slugs(session: WriteSession) -> list[Change]:
        await store_services(session, region, [service.slug for service in services])
        return []  # the catalogue reports what changed

    async def load_poster_codes(session: WriteSession) -> list[Change]:
        subjects = subjects_of(
            [service.slug for service in services], [agency.slug for agency in agencies]
        )
        return await load_posters(session, region, subjects)

    async def load_feedback_part(session: WriteSession) -> list[Change]:
        return await load_feedback(
            session,
            region,
            whole.feedback,
            obligations=_obligations(services, agencies, pack),
            references=ReferenceCodes(
                agencies=[agency.slug for agency in agencies],
                links=list(link_names),
                districts=[district.code for district in whole.districts],
            ),
            # Nobody can have counted the month in which a service is first loaded.
            month=add_months(month_of(now, ZoneInfo(pack.timezone)), 1),
        )

    name, archive = await asyncio.to_thread(pack_archive, root)

    async def store_files(session: WriteSession) -> list[Change]:
        await store_loaded_pack(session, region, name, archive)
        return []  # each part reports what changed

    parts = (
        (Service.catalog, load_services),
        (Service.catalog, lambda session: store_copy(session, Service.catalog)),
        (Service.gateway, lambda session: store_regency(session, Service.gateway, region, pack)),
        (Service.gateway, load_regency_links),
        (Service.catalog, store_link_names),
        (Service.gateway, lambda session: load_connectors(session, region, whole.connectors)),
        (Service.gateway, lambda session: load_districts(session, region, whole.districts)),
        (Service.gateway, load_service_slugs),
        (Service.gateway, load_poster_codes),
        (Service.feedback, lambda session: store_copy(session, Service.feedback)),
        (Service.feedback, load_feedback_part),
        (
            Service.assessment,
            lambda session: load_evidence(session, region, whole.evidence, now=now),
        ),
        (Service.assessment, lambda session: store_copy(session, Service.assessment)),
        (Service.gateway, store_files),  # the last: then the whole pack is loaded
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


def _obligations(
    services: Sequence[CatalogService], agencies: Sequence[Agency], pack: Pack
) -> list[ReportingObligation]:
    kinds = {agency.slug: agency.kind for agency in agencies}
    return sorted(
        ReportingObligation(
            service.agency,
            service.slug,
            service.name,
            tuple(sorted({channel.kind for channel in service.channels})),
            pack.first_reporting_month,
            is_owed=is_reported(service.status, kinds.get(service.agency)),
        )
        for service in services
    )


async def _require_one_version(settings: Settings) -> None:
    database = Database(settings, Service.gateway)
    try:
        async with database.read_session() as session:
            if others := await list_other_versions(session):
                raise OtherVersionsError(others)
    finally:
        await database.close()
