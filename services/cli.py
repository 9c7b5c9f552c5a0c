"""`emall`: runs the hub and its parts, loads packs, issues keys, assesses."""

import asyncio
import contextlib
import gc
import json
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pydantic import ValidationError

from services.platform.identity import (
    SCOPES,
    Caller,
    Scope,
    TokenSigner,
    ensure_identity_keys,
    load_private_key,
)
from services.platform.settings import ROOT, Service, Settings, load_settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.feedback.comments.retention import Cleared
    from services.feedback.events.partitions import Kept
    from services.gateway.api_keys.keys import IssuedKey
    from services.platform.database import WriteSession
    from services.platform.packs import Change

# What a command alone needs is imported where it runs: the whole hub with its numerical libraries
# takes three seconds, and most commands need little of it.

app = typer.Typer(
    help="The hub of a regency's e-Mall Pelayanan Publik.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
keys = typer.Typer(help="API keys of agencies; the keys of the hub itself.", no_args_is_help=True)
app.add_typer(keys, name="keys")
privacy = typer.Typer(help="What the hub holds about people.", no_args_is_help=True)
app.add_typer(privacy, name="privacy")
audit = typer.Typer(help="The log of what was written, chained by hash.", no_args_is_help=True)
app.add_typer(audit, name="audit")

TOBA = ROOT / "packs" / "toba"
Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs one command's work; where a part of the hub does not answer, says so and ends."""
    import httpx
    from asyncpg import PostgresError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return asyncio.run(work)
    except (SQLAlchemyError, PostgresError, OSError, TimeoutError, httpx.HTTPError) as error:
        say(f"It did not work: {reason_of(error)}; `emall doctor` says more.")
        raise typer.Exit(1) from None


def reason_of(error: Exception) -> str:
    """An error in one line, without the SQL around it."""
    lines = str(getattr(error, "orig", None) or error).splitlines()
    return lines[0] if lines else type(error).__name__


def say(message: str) -> None:
    """Progress, for a person: on standard error, so that a command's answer stands alone."""
    typer.echo(message, err=True)


def application() -> "FastAPI":
    """What a server process serves: the whole hub, or the service that EMALL_SERVE names."""
    service = Service(os.environ.get("EMALL_SERVE", Service.gateway.value))
    app: FastAPI = import_module(f"services.{service.value}.app").create_app(load_settings())
    # What is made by now stays; the collector need not look through it at every turn.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    return app


def end_in_order() -> None:
    """A SIGTERM ends this process as Ctrl-C does: with all that is done at an exit.

    uvicorn passes the signal on when it has shut down; by default it would kill the process there,
    and the embedded server would run on without anybody to stop it.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


@app.command()
def serve(
    service: Annotated[
        Service | None, typer.Argument(help="One service; default: all four in one process.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Server processes.")] = 1,
) -> None:
    """Serve the hub, or one service of it."""
    from services.platform.database import owner_url

    end_in_order()
    settings = load_settings()
    served = service or Service.gateway
    if served is Service.gateway or settings.identity_public_key_file is None:
        ensure_identity_keys(settings.private_key_file, settings.public_key_file)
    elif not settings.public_key_file.exists():
        say(
            f"{settings.public_key_file} is missing; `emall keys identity` makes it; until then 503"
        )
    if any(settings.service_database_url(part) is None for part in _in_process(served, settings)):
        owner_url(settings)  # an embedded server lives as long as this process
    _serve(served, settings, host=host, port=port, workers=workers)


def _in_process(served: Service, settings: Settings) -> list[Service]:
    """The services that a process holds: one alone, or the gateway with those of no address."""
    if served is not Service.gateway:
        return [served]
    return [part for part in Service if settings.service_url(part) is None]


PROTOCOLS = {
    Service.gateway: "services.gateway.http_cache.fast_path:FastProtocol",
    Service.feedback: "services.feedback.events.fast_path:EventProtocol",
}
"""Protocols of the server that answer by themselves what needs no application."""

PATIENT_PROTOCOL = "services.platform.header_timeout:HeadLimit"
"""The server's protocol elsewhere, which is not patient for ever."""


def _serve(
    service: Service, settings: Settings, *, host: str | None, port: int | None, workers: int
) -> None:
    import uvicorn

    os.environ["EMALL_SERVE"] = service.value
    uvicorn.run(
        "services.cli:application",
        factory=True,
        http=PROTOCOLS.get(service, PATIENT_PROTOCOL) if settings.fast_path else PATIENT_PROTOCOL,
        host=host or settings.host,
        port=settings.port if port is None else port,
        workers=workers,
        log_level=settings.log_level.lower(),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=20,
        timeout_keep_alive=30,
        # Whose word about the client is taken, the door decides (EMALL_TRUSTED_PROXIES).
        proxy_headers=False,
    )


@app.command()
def migrate() -> None:
    """Bring the database to the newest revision. Safe from several processes at once."""
    from services.platform.migrations import migrate as migrate_database

    run(migrate_database(load_settings()))
    say("The database is at the newest revision.")


@app.command()
def load(
    pack: Annotated[
        Path,
        typer.Argument(
            help="Folder of the pack, such as packs/toba.", exists=True, file_okay=False
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, store nothing.")
    ] = False,
) -> None:
    """Load a regency's pack: show what changes, store it, or say exactly what is wrong."""
    from services.platform.packs import PackError

    try:
        changes = run(load_pack(load_settings(), pack, dry_run=dry_run))
    except PackError as error:
        for fault in error.issues:
            typer.echo(str(fault), err=True)
        say(f"Nothing was loaded: {len(error.issues)} to correct.")
        raise typer.Exit(1) from None
    for change in changes:
        typer.echo(str(change))
    verb = "would change" if dry_run else "changed"
    say(f"{len(changes)} {verb}." if changes else "Nothing to change: the pack is loaded.")


@app.command("pack-schema")
def pack_schema(
    folder: Annotated[
        Path, typer.Argument(help="Folder to write to, such as packs/schema.", file_okay=False)
    ],
) -> None:
    """Write the JSON Schemas of a pack's files, for editors and other programs."""
    from services.pack_schema import write_schemas

    try:
        for file in write_schemas(folder):
            typer.echo(str(file))
    except OSError as error:
        say(f"It did not work: {error}")
        raise typer.Exit(1) from None


class _RolledBackError(Exception):
    """Ends a transaction without storing it."""


async def load_pack(settings: Settings, root: Path, *, dry_run: bool = False) -> "list[Change]":
    """Checks a pack whole, then stores what differs, each service's part in one transaction."""
    from services.assessment.pack import load_evidence, read_evidence
    from services.assessment.reports.regency import store_regency
    from services.catalog.pack import load_catalog, read_catalog
    from services.feedback.pack import Duty, load_feedback, read_feedback
    from services.gateway.connectors.pack import load_connectors, read_connectors
    from services.gateway.link_monitoring.pack import load_links, read_links
    from services.gateway.portal.posters.codes import load_posters, subjects_of
    from services.gateway.regency.districts import load_districts, read_districts
    from services.gateway.regency.regency import load_regency
    from services.platform.database import Database
    from services.platform.packs import Pack, PackError, parse, read_yaml

    pack = parse(read_yaml(root / "pack.yaml", root), Pack)
    if pack.region != settings.region:
        located = read_yaml(root / "pack.yaml", root)
        message = f"this hub serves {settings.region} (EMALL_REGION), not {pack.region}"
        raise PackError([located.issue(("region",), message)])
    catalog = read_catalog(root)
    links = read_links(root)
    connectors = read_connectors(
        root, services={service.slug: service.agency for service in catalog.services}
    )
    districts = read_districts(root)
    feedback = read_feedback(root)
    evidence = read_evidence(root)
    reporting = sorted(
        Duty(
            service.agency,
            service.slug,
            service.name,
            tuple(dict.fromkeys(channel.kind for channel in service.channels)),
        )
        for service in catalog.services
    )
    posters = subjects_of(
        [service.slug for service in catalog.services],
        [agency.slug for agency in catalog.agencies],
    )

    now = datetime.now(UTC)
    region = settings.region
    parts = (
        (Service.catalog, lambda session: load_catalog(session, region, catalog, now=now)),
        (Service.gateway, lambda session: load_regency(session, region, pack)),
        (Service.gateway, lambda session: load_links(session, region, links)),
        (Service.gateway, lambda session: load_connectors(session, region, connectors)),
        (Service.gateway, lambda session: load_districts(session, region, districts)),
        (Service.gateway, lambda session: load_posters(session, region, posters)),
        (
            Service.feedback,
            lambda session: load_feedback(session, region, feedback, reporting=reporting),
        ),
        (Service.assessment, lambda session: load_evidence(session, region, evidence, now=now)),
        (Service.assessment, lambda session: store_regency(session, region, pack)),
    )
    changes: list[Change] = []

    async def note(session: "WriteSession") -> "list[Change]":
        if changes:
            await _note(session, region, "load", f"{pack.name}: {len(changes)} changes", now=now)
        return []

    for service, load_part in (*parts, (Service.gateway, note)):
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


async def _note(
    session: "WriteSession",
    region: str,
    command: str,
    target: str,
    *,
    now: datetime,
    agency: str | None = None,
) -> None:
    """Writes what a command did into the audit log, in the transaction that does it."""
    from services.gateway.audit.chain import Entry
    from services.gateway.audit.records import append
    from services.platform.ids import new_id

    entry = Entry(
        at=now,
        key_id="command-line",
        agency=agency,
        action=command,
        target=target,
        status=None,
        problem=None,
        request_id=str(new_id()),
        body_hash=None,
    )
    await append(session, region, [entry])


@keys.command("issue")
def issue(
    agency: Annotated[str, typer.Option(help="Slug of the agency, such as dpmptsp.")],
    scope: Annotated[list[str], typer.Option(help=f"One of {', '.join(SCOPES)}; repeatable.")],
    days: Annotated[int, typer.Option(min=1, max=1825, help="Days until it expires.")] = 365,
    pace: Annotated[int, typer.Option(min=1, max=1000, help="Times the usual limits.")] = 1,
    monthly_quota: Annotated[
        int | None, typer.Option(min=1, max=2**40, help="Requests in a month; default: no quota.")
    ] = None,
) -> None:
    """Issue a key and print it, alone and once."""
    wrong = [name for name in scope if name not in SCOPES]
    if wrong:
        say(f"There is no scope {', '.join(wrong)}; scopes are {', '.join(SCOPES)}.")
        raise typer.Exit(2)
    scopes = sorted(set(SCOPES).intersection(scope))
    settings = load_settings()
    if not run(_agency_exists(settings, agency)):
        say(f"There is no agency {agency!r} in the catalogue; see the hub's /api/v1/agencies.")
        raise typer.Exit(2)
    key = run(
        _issue(
            settings,
            agency,
            scopes,
            life=timedelta(days=days),
            pace=pace,
            monthly_quota=monthly_quota,
        )
    )
    typer.echo(key.key)
    say(f"Key {key.id} of {agency}, until {key.expires_at:%Y-%m-%d}. It is not shown again.")


async def _agency_exists(settings: Settings, agency: str) -> bool:
    from sqlalchemy import text

    from services.platform.database import Database

    database = Database(settings, Service.catalog)
    try:
        async with database.read_session() as session:
            found = await session.scalar(
                text("SELECT 1 FROM catalog.agency WHERE region = :region AND slug = :slug"),
                {"region": settings.region, "slug": agency},
            )
            return found is not None
    finally:
        await database.close()


async def _issue(
    settings: Settings, agency: str, scopes: Sequence[Scope], *, life: timedelta, **more: Any
) -> "IssuedKey":
    from services.gateway.api_keys.keys import issue_key

    async def work(session: "WriteSession", now: datetime) -> "IssuedKey":
        key = await issue_key(
            session, settings.region, agency=agency, scopes=scopes, now=now, life=life, **more
        )
        await _note(session, settings.region, "keys issue", key.id, now=now, agency=agency)
        return key

    return await _writing(settings, work)


async def _writing(
    settings: Settings, work: Callable[["WriteSession", datetime], Awaitable[Result]]
) -> Result:
    """Does work of the gateway's in one transaction."""
    from services.platform.database import Database

    database = Database(settings, Service.gateway)
    try:
        async with database.write_session() as session:
            return await work(session, datetime.now(UTC))
    finally:
        await database.close()


@keys.command("upload-link")
def upload_link(
    agency: Annotated[str, typer.Option(help="Slug of the agency, such as dukcapil.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="Days until it expires.")] = 30,
) -> None:
    """Make a link with which an agency uploads its statistics, and print it, alone and once."""
    from services.gateway.api_keys.upload_links import UploadLink, issue_link

    settings = load_settings()
    if not run(_agency_exists(settings, agency)):
        say(f"There is no agency {agency!r} in the catalogue; see the hub's /api/v1/agencies.")
        raise typer.Exit(2)
    ensure_identity_keys(settings.private_key_file, settings.public_key_file)

    async def work(session: "WriteSession", now: datetime) -> UploadLink:
        made = await issue_link(
            session,
            settings.region,
            key=load_private_key(settings.private_key_file),
            agency=agency,
            now=now,
            life=timedelta(days=days),
        )
        await _note(session, settings.region, "keys upload-link", made.id, now=now, agency=agency)
        return made

    link = run(_writing(settings, work))
    hub = str(settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
    typer.echo(hub + link.path)
    say(f"Link {link.id} of {agency}, until {link.expires_at:%Y-%m-%d}. Whoever has it uploads;")
    say(f"`emall keys revoke {link.id}` ends it.")


@keys.command("rotate")
def rotate(
    key_id: Annotated[str, typer.Argument(help="The middle part of emk_<id>_...")],
    days: Annotated[int, typer.Option(min=1, max=1825, help="Days until it expires.")] = 365,
    overlap: Annotated[
        int, typer.Option(min=0, max=90, help="Days for which the old key still works.")
    ] = 7,
) -> None:
    """Issue a key like another one, print it, and let the other one end after an overlap."""
    from services.gateway.api_keys.key_rotation import Rotated, rotate_key
    from services.platform.problems import Conflict

    settings = load_settings()

    async def work(session: "WriteSession", now: datetime) -> "Rotated | None":
        made = await rotate_key(
            session,
            settings.region,
            key_id,
            now=now,
            life=timedelta(days=days),
            overlap=timedelta(days=overlap),
        )
        if made is not None:
            target = f"{key_id} by {made.new.id}"
            await _note(
                session, settings.region, "keys rotate", target, now=now, agency=made.agency
            )
        return made

    try:
        rotated = run(_writing(settings, work))
    except Conflict as error:
        say(error.detail)
        raise typer.Exit(1) from None
    if rotated is None:
        say(f"There is no key {key_id} in force.")
        raise typer.Exit(1)
    typer.echo(rotated.new.key)
    say(
        f"Key {rotated.new.id} of {rotated.agency}, until {rotated.new.expires_at:%Y-%m-%d}; "
        f"{key_id} ends on {rotated.old_ends:%Y-%m-%d %H:%M} UTC."
    )


@keys.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(help="The middle part of emk_<id>_...")]) -> None:
    """End a key for good."""
    from services.gateway.api_keys.keys import revoke_key

    settings = load_settings()

    async def work(session: "WriteSession", now: datetime) -> bool:
        done = await revoke_key(session, settings.region, key_id, now=now)
        if done:
            await _note(session, settings.region, "keys revoke", key_id, now=now)
        return done

    if not run(_writing(settings, work)):
        say(f"There is no key {key_id} in force.")
        raise typer.Exit(1)
    say(f"Key {key_id} is revoked.")


@keys.command("identity")
def identity() -> None:
    """Make the pair of keys of the internal tokens, where it is missing."""
    settings = load_settings()
    ensure_identity_keys(settings.private_key_file, settings.public_key_file)
    say(f"The gateway signs with {settings.private_key_file};")
    say(f"every service checks with {settings.public_key_file}.")


@app.command()
def assess(
    period: Annotated[int, typer.Option(min=2000, max=2099, help="The year to assess.")],
    method: Annotated[str, typer.Option(help="Method, see methods/.")] = "cgr-2015",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 1,
    draws: Annotated[int, typer.Option(min=100, max=100_000, help="Draws.")] = 10_000,
) -> None:
    """Assess a year and print the result as JSON."""
    answer = run(_assess(load_settings(), period=period, method=method, seed=seed, draws=draws))
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    if answer.get("status") not in (None, 200, 201):
        raise typer.Exit(1)


async def _assess(settings: Settings, **wanted: int | str) -> dict[str, Any]:
    from services.gateway.app import SignedIn, local_services, service_client
    from services.platform.service import API

    ensure_identity_keys(settings.private_key_file, settings.public_key_file)
    signer = TokenSigner(load_private_key(settings.private_key_file), settings.region)
    local = local_services(settings)
    caller = Caller(subject="emall-assess", scopes=frozenset({"admin"}))
    client = service_client(
        settings,
        Service.assessment,
        local.get(Service.assessment),
        SignedIn(signer, caller),
    )
    async with contextlib.AsyncExitStack() as stack:
        for service in local.values():
            await stack.enter_async_context(service.router.lifespan_context(service))
        await stack.enter_async_context(client)
        answer = await client.post(f"{API}/assessments", json=wanted)
        document: dict[str, Any] = answer.json()
        return document


@app.command()
def retention() -> None:
    """Drop what nobody needs any more. Services do it hourly.

    Single usage events of months that are over (counts stay), contacts and texts of comments.
    """
    kept, cleared = run(_retention(load_settings()))
    say(
        f"{cleared.closed} quiet cases closed, {cleared.contacts} contacts and the texts of "
        f"{cleared.texts} comments erased."
    )
    if kept is None:
        say("Another process is at it.")
        return
    for partition in kept.dropped:
        typer.echo(partition)
    say(
        f"Events are kept from {kept.since:%Y-%m} on; {len(kept.dropped)} months dropped, "
        f"{kept.forgotten} ids forgotten."
    )


async def _retention(settings: Settings) -> "tuple[Kept | None, Cleared]":
    from services.feedback.comments.retention import keep_comments
    from services.feedback.events.partitions import keep_months
    from services.platform.database import Database

    database = Database(settings, Service.feedback)
    try:
        async with database.write_session() as session:
            cleared = await keep_comments(
                session,
                settings.region,
                now=datetime.now(UTC),
                retention_months=settings.comment_retention_months,
            )
    finally:
        await database.close()
    connection = await database.connect(purpose="retention")
    try:
        kept = await keep_months(
            connection,
            settings.region,
            now=datetime.now(UTC),
            retention_months=settings.event_retention_months,
        )
        return kept, cleared
    finally:
        await connection.close()


@privacy.command("report")
def report_privacy(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Print what is held about people: where, what for, on which ground, until when, how much."""
    from services.privacy import as_text, privacy_report

    report = run(privacy_report(load_settings(), now=datetime.now(UTC)))
    typer.echo(report.model_dump_json(indent=2) if as_json else as_text(report))


@app.command()
def verify(
    bundle: Annotated[
        Path, typer.Argument(help="A bundle, as /api/v1/assessments/{id}/bundle gives it.")
    ],
    key: Annotated[
        Path | None, typer.Option(help="Public key (PEM) of the hub that published it.")
    ] = None,
) -> None:
    """Compute a bundle's assessment again, from the bundle alone, and say whether it agrees."""
    from services.assessment.bundles.signing import read_public_key
    from services.assessment.bundles.verify import BundleError
    from services.assessment.bundles.verify import verify as verify_bundle

    try:
        archive = bundle.read_bytes()
        wanted = None if key is None else read_public_key(key.read_bytes())
    except (OSError, ValueError) as error:
        say(f"It cannot be read: {error}")
        raise typer.Exit(2) from None
    try:
        found = verify_bundle(archive, key=wanted)
    except BundleError as error:
        for fault in error.faults:
            typer.echo(fault)
        say(f"{bundle.name} does not agree: {len(error.faults)} faults.")
        raise typer.Exit(1) from None
    head = found.parameters
    typer.echo(
        f"{bundle.name} agrees: {found.nodes} figures of {head.method} {head.period}, region "
        f"{head.region}, to the last digit."
    )
    typer.echo(f"Signed by the key {found.fingerprint}.")
    if key is None:
        say("Compare this key with /api/v1/metrics/publishing-key of the hub that published it.")


@app.command()
def doctor() -> None:
    """Print the settings, with secrets masked, and say what is wrong."""
    from services.platform.service import VERSION

    settings = load_settings()
    for name, value in settings:
        typer.echo(f"EMALL_{name.upper()}={value if value is not None else ''}")
    faults = run(_faults(settings))
    for fault in faults:
        say(f"wrong: {fault}")
    if faults:
        raise typer.Exit(1)
    say(f"emall {VERSION}: nothing is wrong.")


async def _faults(settings: Settings) -> list[str]:
    from sqlalchemy import text

    from services.platform.database import Database

    faults: list[str] = []
    if not settings.private_key_file.exists():
        faults.append(f"{settings.private_key_file} is missing; `emall serve` makes it")
    for service in Service:
        database = Database(settings, service)
        try:
            async with database.read_session() as session:
                tables = await session.scalar(
                    text("SELECT count(*) FROM pg_tables WHERE schemaname = :schema"),
                    {"schema": service.value},
                )
                if not tables:
                    faults.append(f"the schema {service.value} is missing; run `emall migrate`")
        except Exception as error:
            reason = reason_of(error)
            if f'role "{service.role}" does not exist' in reason:
                faults.append(f"the role {service.role} is missing; run `emall migrate`")
            else:
                faults.append(f"{service.value}: the database does not answer: {reason}")
        finally:
            await database.close()
        url = settings.service_url(service)
        if url is not None and not await _is_ready(url):
            faults.append(f"{service.value}: {url} is not ready")
    return faults


async def _is_ready(url: str) -> bool:
    import httpx

    async with httpx.AsyncClient(base_url=url, timeout=5) as client:
        try:
            return (await client.get("/health/ready")).is_success
        except httpx.HTTPError:
            return False


@audit.command("verify")
def verify_audit(
    expect: Annotated[
        str | None,
        typer.Option(help="A hash that was printed before; a line must still carry it."),
    ] = None,
) -> None:
    """Compute the chain of the audit log again, and name the first line that is wrong."""
    if expect is not None and not re.fullmatch(r"[0-9a-f]{64}", expect):
        say("A hash is 64 digits of 0-9 and a-f, as this command prints it.")
        raise typer.Exit(2)
    fault, lines, head = run(_verify_audit(load_settings(), expect))
    if fault is not None:
        typer.echo(fault)
        say(f"The audit log is not whole; {lines} lines before that agree.")
        raise typer.Exit(1)
    typer.echo(head)
    say(f"{lines} lines agree. Keep this hash elsewhere; --expect HASH compares with it later.")


async def _verify_audit(settings: Settings, expected: str | None) -> tuple[str | None, int, str]:
    from services.gateway.audit.chain import Check
    from services.gateway.audit.records import lines_of
    from services.platform.database import Database

    database = Database(settings, Service.gateway)
    check = Check(settings.region, expected=expected)
    try:
        async with database.read_session() as session:
            async for line in lines_of(session, settings.region):
                if (fault := check.fault(line)) is not None:
                    return fault, check.lines, check.head
    finally:
        await database.close()
    return check.fault_at_end(), check.lines, check.head


@app.command("stand-in")
def stand_in(
    system: Annotated[str, typer.Argument(help="oss, or website")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8010,
) -> None:
    """Serve a stand-in for a system of others, for tests and demonstrations."""
    import uvicorn

    from services.gateway.connectors.mocks.oss import create_oss_mock
    from services.gateway.connectors.mocks.website import create_website_mock

    made = {"oss": create_oss_mock, "website": create_website_mock}.get(system)
    if made is None:
        say(f"There is no stand-in {system!r}; there are: oss, website.")
        raise typer.Exit(2)
    say(f"Stand-in {system} at http://{host}:{port}; PUT /stand-in tells it how to answer.")
    uvicorn.run(made(), host=host, port=port, log_level="warning")


@app.command("run")
def run_hub(
    pack: Annotated[Path, typer.Option(help="Pack to load.")] = TOBA,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Everything at once: database, migrations, pack, first key, hub."""
    from services.platform.database import owner_url
    from services.platform.migrations import migrate as migrate_database
    from services.platform.packs import PackError
    from services.platform.service import API

    end_in_order()
    settings = load_settings()
    say("1/4 PostgreSQL ...")
    owner_url(settings)
    ensure_identity_keys(settings.private_key_file, settings.public_key_file)
    say("2/4 migrations ...")
    run(migrate_database(settings))
    say(f"3/4 pack {pack.name} ...")
    try:
        changes = run(load_pack(settings, pack))
    except PackError as error:
        say(str(error))
        raise typer.Exit(1) from None
    say(f"    {len(changes)} changed")
    key_file = settings.data_dir / "first-key.txt"
    if not key_file.exists():
        key = run(_issue(settings, "diskominfo", ["admin"], life=timedelta(days=365)))
        key_file.touch(mode=0o600)
        key_file.write_text(f"{key.key}\n")
    address = f"http://{host or settings.host}:{settings.port if port is None else port}"
    say(f"4/4 serving {address}")
    say(f"    citizens   {address}/")
    say(f"    API        {address}/docs")
    say(f"    metrics    {address}{API}/metrics/collaboration-dynamics?period=2024")
    say(f"    first key  {key_file} (scope admin)")
    _serve(Service.gateway, settings, host=host, port=port, workers=1)


def main() -> None:
    """The command `emall`."""
    try:
        app(prog_name="emall")
    except ValidationError as error:
        if error.title != Settings.__name__:
            raise
        for fault in error.errors():
            say(f"EMALL_{str(fault['loc'][0]).upper()}: {fault['msg']}")
        sys.exit(2)


if __name__ == "__main__":
    sys.exit(main())
