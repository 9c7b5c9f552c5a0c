"""Who uploads: a browser with an upload link and its code, for half an hour, or a person.

A person who signed in to the workspace as a reporter or approver needs no link.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

from fastapi import Request

from services.gateway.portal.key_sessions import KeySession, KeySessions
from services.gateway.portal.workspace.access import current_session as workspace_session
from services.platform.identity import Caller
from services.platform.problems import NotAllowed

UPLOADS = KeySessions(
    "upload",
    cookie="emall_unggah",
    lifetime=timedelta(minutes=30),
    rest=timedelta(minutes=30),
)


@dataclass(frozen=True)
class Session:
    """The agency that uploads, and the token that the forms of this session carry."""

    caller: Caller
    form_token: str
    person: str | None
    """Name of the person whose session of the workspace it is, which ends there."""
    link: KeySession | None
    """The session of a link; None if it is a person's."""

    @property
    def agency(self) -> str:
        return self.caller.agency or ""


async def current_session(request: Request) -> Session | None:
    """Return the session of a request; None if there is none or it or its link has ended.

    That of a link counts before that of a person.
    """
    found = await UPLOADS.find(request)
    if found is not None and found.caller.has_scope("usage:write"):
        return _session(request, found.caller, _form_token(found.token), link=found)
    person = await workspace_session(request)
    if (
        person is not None
        and person.verified_at is not None
        and person.agency is not None
        and person.caller.has_scope("usage:write")
    ):
        return _session(request, person.caller, person.form_token, person=person.person.name)
    return None


def _session(
    request: Request,
    caller: Caller,
    form_token: str,
    *,
    person: str | None = None,
    link: KeySession | None = None,
) -> Session:
    request.scope["request_log"].impersonate(caller)
    # Whatever else the caller may do, these pages only report.
    narrowed = caller.model_copy(update={"scopes": frozenset({"usage:write"})})
    return Session(narrowed, form_token, person, link)


def check_form_token(session: Session, submitted: str) -> None:
    """Reject a form that is not of this session."""
    if not hmac.compare_digest(session.form_token.encode(), submitted.encode()):
        raise NotAllowed("The form belongs to another session; open /unggah again.")


def _form_token(token: str) -> str:
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()
