"""Dependencies of the routes of comments: keys, ticket, token and sender."""

from typing import Annotated

from fastapi import Depends, Header, Path, Request
from pydantic import StringConstraints

from services.feedback.comments.keys import CommentKeys
from services.feedback.comments.schemas import Ticket
from services.platform.identity import ensure_identity_keys, load_private_key
from services.platform.settings import Settings


def keys_of(request: Request) -> CommentKeys:
    """Return the service's keys, created at their first use."""
    known: CommentKeys | None = getattr(request.app.state, "comment_keys", None)
    if known is None:
        settings: Settings = request.app.state.settings
        file = settings.comments_key_file
        ensure_identity_keys(file, file.with_name(f"{file.stem}.public.pem"))
        known = request.app.state.comment_keys = CommentKeys(load_private_key(file))
    return known


def sender_of(request: Request) -> tuple[str, str]:
    """Return IP address and user agent, used only for the day's salted hash.

    The gateway sets `X-Forwarded-For`; the value of a client is not forwarded.
    """
    host = request.client.host if request.client is not None else ""
    return (
        request.headers.get("x-forwarded-for", host),
        request.headers.get("user-agent", "")[:500],
    )


Keys = Annotated[CommentKeys, Depends(keys_of)]
Sender = Annotated[tuple[str, str], Depends(sender_of)]
TicketPath = Annotated[Ticket, Path(description="The ticket's code.")]
TicketToken = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=100)] | None,
    Header(alias="Ticket-Token", description="The secret returned with the ticket."),
]
