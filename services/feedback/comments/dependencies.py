"""Dependencies of the routes of comments: keys, ticket, token and sender."""

from typing import Annotated

from fastapi import Depends, Header, Path, Request
from pydantic import StringConstraints

from services.feedback.comments.keys import CommentKeys
from services.feedback.comments.schemas import Ticket
from services.feedback.private_key import private_key_of
from services.feedback.senders import address_of


async def keys_of(request: Request) -> CommentKeys:
    """Return the keys derived from the service's private key."""
    known: CommentKeys | None = getattr(request.app.state, "comment_keys", None)
    if known is None:
        known = request.app.state.comment_keys = CommentKeys(await private_key_of(request))
    return known


async def sender_of(request: Request) -> tuple[str, str]:
    """Return address and user agent, used only for the day's salted hash."""
    return address_of(request), request.headers.get("user-agent", "")[:500]


Keys = Annotated[CommentKeys, Depends(keys_of)]
Sender = Annotated[tuple[str, str], Depends(sender_of)]
TicketPath = Annotated[Ticket, Path(description="The ticket's code.")]
TicketToken = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=100)] | None,
    Header(alias="Ticket-Token", description="The secret returned with the ticket."),
]
