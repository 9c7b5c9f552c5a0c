"""`emall people`: invite the people who keep the hub."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.audit import audit_command
from services.cli.console import echo_err, run_async
from services.cli.database import in_gateway_transaction
from services.cli.keys import require_agency
from services.platform.settings import KeyName, Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.gateway.people.invitations import IssuedInvitation
    from services.gateway.people.roles import RoleAssignment
    from services.platform.database import WriteSession

app = typer.Typer(help="People who keep the hub.", no_args_is_help=True)

COMMAND_LINE = "command-line"


@app.callback()
def group() -> None:
    """Invite the people who keep the hub."""


@app.command()
def invite(
    email: Annotated[str, typer.Option(help="E-mail address with which the person signs in.")],
    role: Annotated[
        list[str],
        typer.Option(
            help="One of reporter, editor, approver, responder (for an agency), lead, evaluator, "
            "administrator, auditor (for the hub); repeatable."
        ),
    ],
    agency: Annotated[
        str | None,
        typer.Option(
            help="Slug of the agency for which the roles hold, or where the person works."
        ),
    ] = None,
) -> None:
    """Print a link for one use with which a person sets password and second factor.

    For somebody who has an account the link replaces both, such as after a lost telephone. With a
    mail server (EMALL_SMTP_HOST) it is sent to the person, too.
    """
    from services.gateway.people.mail.addresses import is_accepted
    from services.gateway.people.records import normalised_email
    from services.gateway.people.roles import AGENCY_ROLES, ROLES, role_assignment

    if unknown := [name for name in role if name not in ROLES]:
        echo_err(f"Error: unknown role {', '.join(unknown)}; use one of {', '.join(ROLES)}.")
        raise typer.Exit(2)
    email = normalised_email(email)
    if not is_accepted(email):
        echo_err(
            "Error: --email takes an address such as nama@contoh.go.id: letters without accents, "
            "no spaces, quotes or doubled dots."
        )
        raise typer.Exit(2)
    settings = load_settings()
    if agency is None and (bound := [name for name in role if name in AGENCY_ROLES]):
        echo_err(f"Error: the role {bound[0]} needs the agency for which it holds; add --agency.")
        raise typer.Exit(2)
    roles = [role_assignment(name, agency) for name in dict.fromkeys(role)]
    if agency is not None:
        require_agency(settings, agency)
    issued = run_async(issue_audited_invitation(settings, email, roles))
    hub = settings.public_address or f"http://{settings.host}:{settings.port}"
    typer.echo(hub + issued.path)
    echo_err(
        f"Invited {email}, valid until {issued.expires_at:%Y-%m-%d}. Give the link to this person "
        "only: whoever opens it first has the account."
    )


async def issue_audited_invitation(
    settings: Settings, email: str | None, roles: "Sequence[RoleAssignment]"
) -> "IssuedInvitation":
    """Invite a person and append the audit line in the same transaction."""
    from services.gateway.people.invitation_mail import mail_invitation
    from services.gateway.people.invitations import invite as issue
    from services.gateway.people.records import subject_of

    outbox = None
    if settings.smtp_host is not None:
        from services.gateway.people.mail.outbox import MailOutbox
        from services.platform.identity import load_private_key
        from services.platform.installation_keys import create_missing_key

        create_missing_key(settings, KeyName.secrets)
        outbox = MailOutbox(load_private_key(settings.secrets_key_file), settings.region)

    async def work(session: "WriteSession", now: "datetime") -> "IssuedInvitation":
        issued = await issue(
            session, settings.region, email=email, roles=roles, by=COMMAND_LINE, now=now
        )
        if outbox is not None:
            await mail_invitation(session, settings, outbox, issued, now=now)
        target = subject_of(issued.person)
        await audit_command(session, settings.region, "people invite", target, now=now)
        return issued

    return await in_gateway_transaction(settings, work)


async def invite_first_administrator(settings: Settings) -> "IssuedInvitation | None":
    """Invite a first administrator, who enters the e-mail address; None if there is one."""
    from services.gateway.people.invitations import FIRST_ADMINISTRATOR
    from services.gateway.people.records import count_administrators

    async def work(session: "WriteSession", now: "datetime") -> int:
        return await count_administrators(session, settings.region)

    if await in_gateway_transaction(settings, work):
        return None
    return await issue_audited_invitation(settings, None, FIRST_ADMINISTRATOR)
