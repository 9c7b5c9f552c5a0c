"""`emall keys`: API keys of agencies, links for people without an account, the hub's own keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.audit import audit_command
from services.cli.console import echo_err, run_async
from services.cli.database import in_gateway_transaction
from services.cli.hub_keys import accept_key, require_keys
from services.platform.scopes import SCOPES, Scope
from services.platform.settings import KeyName, Service, Settings, load_settings

if TYPE_CHECKING:
    from services.gateway.api_keys.keys import IssuedKey
    from services.gateway.api_keys.signed_links import LinkUse
    from services.platform.database import WriteSession

app = typer.Typer(
    help="API keys of agencies, links for people without an account; the hub's own pair of keys.",
    no_args_is_help=True,
)

KeyId = Annotated[str, typer.Argument(help="Id of the key: the middle part of emk_<id>_<secret>.")]
KeyDays = Annotated[int, typer.Option(min=1, max=1825, help="Days until the key expires.")]


@app.command()
def issue(
    agency: Annotated[str, typer.Option(help="Slug of the agency, such as dpmptsp.")],
    scope: Annotated[list[str], typer.Option(help=f"One of {', '.join(SCOPES)}; repeatable.")],
    days: KeyDays = 365,
    rate_multiplier: Annotated[
        int, typer.Option(min=1, max=1000, help="Multiple of the default rate limits.")
    ] = 1,
    monthly_quota: Annotated[
        int | None, typer.Option(min=1, max=2**40, help="Requests per month; default: unlimited.")
    ] = None,
) -> None:
    """Issue an API key and print it; it cannot be shown again."""
    unknown = [name for name in scope if name not in SCOPES]
    if unknown:
        echo_err(f"Error: unknown scope {', '.join(unknown)}; use one of {', '.join(SCOPES)}.")
        raise typer.Exit(2)
    scopes = sorted(set(SCOPES).intersection(scope))
    settings = load_settings()
    require_agency(settings, agency)
    key = run_async(
        issue_audited_key(
            settings,
            agency,
            scopes,
            lifetime=timedelta(days=days),
            rate_multiplier=rate_multiplier,
            monthly_quota=monthly_quota,
        )
    )
    typer.echo(key.key)
    echo_err(
        f"Issued key {key.id} for {agency}, valid until {key.expires_at:%Y-%m-%d}. "
        "Store it now: it cannot be shown again."
    )


def require_agency(settings: Settings, slug: str) -> None:
    """Exit with 2 if the catalogue has no agency with this slug."""
    if not run_async(_agency_exists(settings, slug)):
        echo_err(f"Error: no agency {slug!r} in the catalogue; GET /api/v1/agencies lists them.")
        raise typer.Exit(2)


async def _agency_exists(settings: Settings, slug: str) -> bool:
    statement = "SELECT slug FROM catalog.agency WHERE region = :region AND slug = :slug"
    return await _find_agency(settings, statement, slug=slug) is not None


async def find_leading_agency(settings: Settings) -> str | None:
    """Return the agency that leads the collaboration; the first by slug if none is named.

    None while the catalogue has no agency.
    """
    return await _find_agency(
        settings,
        """
        SELECT coalesce(
            (SELECT content ->> 'lead_agency' FROM catalog.regency WHERE region = :region),
            (SELECT min(slug) FROM catalog.agency WHERE region = :region)
        )
        """,
    )


async def _find_agency(settings: Settings, statement: str, **values: str) -> str | None:
    from sqlalchemy import text

    from services.platform.database import Database

    database = Database(settings, Service.catalog)
    try:
        async with database.read_session() as session:
            return await session.scalar(text(statement), {"region": settings.region, **values})
    finally:
        await database.close()


async def issue_audited_key(
    settings: Settings,
    agency: str,
    scopes: Sequence[Scope],
    *,
    lifetime: timedelta,
    rate_multiplier: int = 1,
    monthly_quota: int | None = None,
) -> "IssuedKey":
    """Issue a key and append the audit line in the same transaction."""
    from services.gateway.api_keys.keys import issue_key

    async def work(session: "WriteSession", now: datetime) -> "IssuedKey":
        key = await issue_key(
            session,
            settings.region,
            agency=agency,
            scopes=scopes,
            now=now,
            lifetime=lifetime,
            rate_multiplier=rate_multiplier,
            monthly_quota=monthly_quota,
        )
        await audit_command(session, settings.region, "keys issue", key.id, now=now, agency=agency)
        return key

    return await in_gateway_transaction(settings, work)


AgencySlug = Annotated[str, typer.Option(help="Slug of the agency, such as dukcapil.")]
LinkDays = Annotated[int, typer.Option(min=1, max=366, help="Days until the link expires.")]


@app.command("upload-link")
def upload_link(agency: AgencySlug, days: LinkDays = 30) -> None:
    """Create a link for uploading statistics without an account; print it and its code once."""
    _print_new_link(agency, days, "upload", command="keys upload-link")


@app.command("device-link")
def device_link(agency: AgencySlug, days: LinkDays = 366) -> None:
    """Create a link for an enumerator's phone or a kiosk; print it and its code once."""
    _print_new_link(agency, days, "device", command="keys device-link")


def _print_new_link(agency: str, days: int, use: "LinkUse", *, command: str) -> None:
    from services.gateway.api_keys.signed_links import MAX_WRONG_CODES, SignedLink, issue_link
    from services.gateway.people.passwords import PasswordHashes
    from services.platform.identity import load_private_key

    settings = load_settings()
    require_agency(settings, agency)
    require_keys(settings, [Service.gateway])

    async def work(session: "WriteSession", now: datetime) -> SignedLink:
        link = await issue_link(
            session,
            settings.region,
            key=load_private_key(settings.secrets_key_file),
            hashes=PasswordHashes(),
            use=use,
            agency=agency,
            now=now,
            lifetime=timedelta(days=days),
        )
        await audit_command(session, settings.region, command, link.id, now=now, agency=agency)
        return link

    link = run_async(in_gateway_transaction(settings, work))
    hub = settings.public_address or f"http://{settings.host}:{settings.port}"
    typer.echo(hub + link.path)
    typer.echo(link.readable_code)
    echo_err(
        f"Created link {link.id} for {agency}, valid until {link.expires_at:%Y-%m-%d}, and its "
        "code. Send the link to one person, and tell that person the code another way, such as by "
        f"telephone. {MAX_WRONG_CODES} wrong codes in a row revoke the link, and so does "
        f"`emall keys revoke {link.id}`."
    )


@app.command()
def rotate(
    key_id: KeyId,
    days: KeyDays = 365,
    overlap: Annotated[
        int, typer.Option(min=0, max=90, help="Days for which the old key remains valid.")
    ] = 7,
) -> None:
    """Issue a key that takes a key's place and print it; the old key expires after an overlap."""
    from services.gateway.api_keys.key_rotation import RotatedKey, rotate_key
    from services.platform.problems import Conflict

    settings = load_settings()

    async def work(session: "WriteSession", now: datetime) -> "RotatedKey | None":
        rotated = await rotate_key(
            session,
            settings.region,
            key_id,
            now=now,
            lifetime=timedelta(days=days),
            overlap=timedelta(days=overlap),
        )
        if rotated is not None:
            target = f"{key_id} by {rotated.new_key.id}"
            await audit_command(
                session, settings.region, "keys rotate", target, now=now, agency=rotated.agency
            )
        return rotated

    try:
        rotated = run_async(in_gateway_transaction(settings, work))
    except Conflict as error:
        echo_err(f"Error: {error.detail}")
        raise typer.Exit(1) from None
    if rotated is None:
        echo_err(f"Error: no valid key {key_id}.")
        raise typer.Exit(1)
    typer.echo(rotated.new_key.key)
    echo_err(
        f"Issued key {rotated.new_key.id} for {rotated.agency}, valid until "
        f"{rotated.new_key.expires_at:%Y-%m-%d}; {key_id} expires at "
        f"{rotated.old_expires_at:%Y-%m-%d %H:%M} UTC."
    )


@app.command()
def revoke(
    key_id: KeyId,
    family: Annotated[
        bool,
        typer.Option(
            "--family",
            help="Revoke all keys that were made from each other, also the key that replaced it.",
        ),
    ] = False,
) -> None:
    """Revoke a key, with all keys that hang on it, or a link permanently."""
    from services.gateway.api_keys.key_rotation import valid_family
    from services.gateway.api_keys.keys import revoke_key

    settings = load_settings()

    async def work(session: "WriteSession", now: datetime) -> tuple[list[str], list[str]]:
        revoked = await revoke_key(session, settings.region, key_id, now=now, family=family)
        for revoked_id in revoked:
            await audit_command(session, settings.region, "keys revoke", revoked_id, now=now)
        return revoked, await valid_family(session, settings.region, key_id, now=now)

    revoked, remaining = run_async(in_gateway_transaction(settings, work))
    if revoked:
        echo_err(f"Revoked {', '.join(revoked)}.")
    else:
        echo_err(f"Error: no valid key {key_id}.")
    if remaining:
        echo_err(
            f"Valid keys of the same family: {', '.join(remaining)}; "
            f"`emall keys revoke {key_id} --family` revokes them too."
        )
    if not revoked:
        raise typer.Exit(1)


@app.command()
def init() -> None:
    """Create the gateway's keys if they do not exist: for internal tokens and for secrets."""
    from services.platform.installation_keys import KEYS_OF, create_missing_key

    settings = load_settings()
    for name in KEYS_OF[Service.gateway]:
        create_missing_key(settings, name)
    echo_err(f"Private keys of the gateway: {settings.private_key_file}")
    echo_err(f"    {settings.secrets_key_file}")
    echo_err(f"Public key for every service: {settings.public_key_file}")


@app.command()
def accept(
    name: Annotated[
        KeyName, typer.Argument(help="Key that is in place, or is lost and made anew.")
    ],
) -> None:
    """Go on with another of the hub's own keys than the one its data was written with.

    What the old key encrypted, signed or derived is lost (docs/operations.md, Keys).
    """
    from services.platform.installation_keys import LOST_WITHOUT, key_file

    settings = load_settings()
    private, public = settings.private_key_file, settings.public_key_file
    if name is KeyName.identity and private.exists() != public.exists():
        missing = public if private.exists() else private
        echo_err(f"Error: {missing} is missing: put both halves of a new pair there, or neither.")
        raise typer.Exit(2)
    try:
        old, new = run_async(accept_key(settings, name))
    except ValueError as error:
        echo_err(f"Error: {key_file(settings, name)} cannot be read: {error}.")
        raise typer.Exit(1) from None
    typer.echo(new)
    if old == new:
        echo_err(f"The {name} key was that of the database already.")
    else:
        echo_err(f"The database has the new {name} key now: {LOST_WITHOUT[name]}. Restart the hub.")
