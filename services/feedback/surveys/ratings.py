"""Tokens that prove a use and open a rating, once; what was answered cannot be laid beside them.

Of a token its hash alone is kept, and that only until it is used: the use deletes it in the
transaction that stores the answer. So there is no list of used tokens whose order or time could be
compared with the order or time of the answers.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from pydantic import Field
from sqlalchemy import text

from services.feedback.channels import ChannelKind
from services.feedback.surveys.schemas import Token
from services.platform.api_model import ApiModel
from services.platform.database import ReadSession, WriteSession
from services.platform.problems import Conflict, FieldError
from services.platform.service import API
from services.platform.types import Slug

RATING = "penilaian"
"""The short survey that tokens open unless they name another."""

MOST_TOKENS = 500
TOKEN_BYTES = 10

OFFERED = """
-- Whether an agency offers a service, and whether any service is known at all.
SELECT coalesce(bool_or(agency = :agency AND service = :service), false) AS offered,
       count(*) > 0 AS any_known
FROM feedback.reporting_obligation WHERE region = :region
"""

FORGET_EXPIRED = """
-- Tokens whose time is over.
DELETE FROM feedback.rating_token WHERE region = :region AND expires_on < :today
"""

STORE = """
-- New tokens, by their hashes.
INSERT INTO feedback.rating_token (region, hash, survey, service, agency, channel, expires_on)
SELECT :region, hash, :survey, :service, :agency, :channel, :expires_on
FROM unnest(CAST(:hashes AS bytea[])) AS hash
"""

FIND = """
-- What a token that can still be used is for.
SELECT survey, service, agency, channel, expires_on FROM feedback.rating_token
WHERE region = :region AND hash = :hash AND expires_on >= :today
"""

SPEND = """
-- Uses a token up: it is gone as soon as the answer is stored.
DELETE FROM feedback.rating_token
WHERE region = :region AND hash = :hash AND survey = :survey AND expires_on >= :today
RETURNING service, agency, channel
"""


class RatingTokensWanted(ApiModel):
    """How many tokens an agency wants for uses of one of its services."""

    service: Slug = Field(description="A service of the agency's.")
    agency: Slug | None = Field(None, description="Default: the agency of the key.")
    channel: ChannelKind | None = Field(None, description="How the service was used.")
    survey: Slug = Field(RATING, description="A survey that is answered with a token.")
    count: int = Field(1, ge=1, le=MOST_TOKENS)
    days: int = Field(30, ge=1, le=90, description="Days for which they hold.")


class RatingToken(ApiModel):
    """A token and the page that it opens, once."""

    token: Token
    path: str = Field(description="Address of the page at this hub, to be given to the citizen.")


class RatingUse(ApiModel):
    """What a token is for."""

    survey: str
    service: str
    agency: str
    channel: str | None
    expires_on: date


class RatingTokens(RatingUse):
    """New tokens. They are shown this once; the hub keeps their hashes until they are used."""

    items: list[RatingToken] = Field(max_length=MOST_TOKENS)


@dataclass(frozen=True)
class Use:
    """The use that a token proves."""

    service: str
    agency: str
    channel: str


def new_token(random_bytes: Callable[[int], bytes]) -> str:
    """16 letters and digits of 80 random bits: short enough for a message, too many to guess."""
    return base64.b32encode(random_bytes(TOKEN_BYTES)).decode().lower()


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def check_offered(
    session: ReadSession | WriteSession, region: str, *, agency: str, service: str
) -> None:
    """Refuses a service that is not the agency's; a hub without a catalogue takes any."""
    known = (
        await session.execute(
            text(OFFERED), {"region": region, "agency": agency, "service": service}
        )
    ).one()
    if known.any_known and not known.offered:
        detail = f"is no service of {agency}; see {API}/services?agency={agency}"
        error = FieldError(pointer="#/service", parameter=None, detail=detail)
        raise Conflict("An agency issues tokens for its own services.", errors=[error])


async def store_tokens(
    session: WriteSession,
    region: str,
    tokens: list[str],
    *,
    survey: str,
    use: Use,
    expires_on: date,
    today: date,
) -> None:
    """Keeps the hashes of new tokens, and forgets those whose time is over."""
    await session.execute(text(FORGET_EXPIRED), {"region": region, "today": today})
    await session.execute(
        text(STORE),
        {
            "region": region,
            "survey": survey,
            "service": use.service,
            "agency": use.agency,
            "channel": use.channel,
            "expires_on": expires_on,
            "hashes": [hash_of(token) for token in tokens],
        },
    )


async def find_use(
    session: ReadSession, region: str, token: str, *, today: date
) -> RatingUse | None:
    """What a token is for; None where it was used, is over, or never was."""
    row = (
        await session.execute(
            text(FIND), {"region": region, "hash": hash_of(token), "today": today}
        )
    ).one_or_none()
    if row is None:
        return None
    return RatingUse(
        survey=row.survey,
        service=row.service,
        agency=row.agency,
        channel=row.channel or None,
        expires_on=row.expires_on,
    )


async def spend(
    session: WriteSession, region: str, survey: str, token: str, *, today: date
) -> Use | None:
    """Uses a token up within the transaction; None where it cannot be used."""
    row = (
        await session.execute(
            text(SPEND),
            {"region": region, "hash": hash_of(token), "survey": survey, "today": today},
        )
    ).one_or_none()
    return None if row is None else Use(row.service, row.agency, row.channel)
