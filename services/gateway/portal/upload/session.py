"""Upload sessions: a browser that showed an agency's key or link may upload for half an hour."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

from fastapi import Request

from services.gateway.portal.key_sessions import KeySessions
from services.platform.identity import Caller
from services.platform.problems import NotAllowed

UPLOADS = KeySessions("upload", cookie="emall_unggah", lifetime=timedelta(minutes=30))


@dataclass(frozen=True)
class Session:
    """The agency that uploads, and the token that the forms of this session carry."""

    caller: Caller
    form_token: str

    @property
    def agency(self) -> str:
        return self.caller.agency or ""


async def current_session(request: Request) -> Session | None:
    """Return the session of a request; None if there is none or it or its key has ended."""
    found = await UPLOADS.find(request)
    if found is None or not found.caller.has_scope("usage:write"):
        return None
    request.scope["request_log"].impersonate(found.caller)
    # Whatever else the key allows, these pages only report.
    narrowed = found.caller.model_copy(update={"scopes": frozenset({"usage:write"})})
    return Session(narrowed, _form_token(found.id))


def check_form_token(session: Session, submitted: str) -> None:
    """Reject a form that is not of this session."""
    if not hmac.compare_digest(session.form_token.encode(), submitted.encode()):
        raise NotAllowed("The form belongs to another session; open /unggah again.")


def _form_token(session_id: str) -> str:
    return hmac.new(session_id.encode(), b"form", hashlib.sha256).hexdigest()
