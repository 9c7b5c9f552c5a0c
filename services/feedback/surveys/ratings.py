"""Tokens that prove a use of a service and open a rating once; they cannot be linked to answers.

Only the hash of a token is stored, and only until it is redeemed: the transaction that stores the
response deletes it. There is no list of used tokens whose order or time could be compared with the
order or time of the responses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from services.feedback.catalogue_lookup import look_up
from services.feedback.surveys.one_use_tokens import TOKEN_BYTES, encode_token, token_hash
from services.feedback.surveys.rating_schemas import RatingTokenSubject
from services.platform.database import ReadSession, WriteSession
from services.platform.problems import Conflict, FieldError
from services.platform.service import API

DELETE_EXPIRED = """
-- Deletes expired tokens.
DELETE FROM feedback.rating_token WHERE region = :region AND expires_on < :today
"""

STORE = """
-- The hashes of new tokens.
INSERT INTO feedback.rating_token
    (region, hash, survey, service, agency, channel, expires_on, issue)
SELECT :region, hash, :survey, :service, :agency, :channel, :expires_on, :issue
FROM unnest(CAST(:hashes AS bytea[])) AS hash
"""

FIND = """
-- What a valid token was issued for.
SELECT survey, service, agency, channel, expires_on FROM feedback.rating_token
WHERE region = :region AND hash = :hash AND expires_on >= :today
"""

REDEEM = """
-- Redeems a token: it is deleted in the transaction that stores the response.
DELETE FROM feedback.rating_token
WHERE region = :region AND hash = :hash AND survey = :survey AND expires_on >= :today
RETURNING service, agency, channel, issue
"""


@dataclass(frozen=True)
class ServiceUse:
    """The use of a service that a token proves."""

    service: str
    agency: str
    channel: str


@dataclass(frozen=True)
class RedeemedToken(ServiceUse):
    """The use that a redeemed token proves, and the issue that it was in."""

    issue: str
    """The agency and the day: it knows whom it gave these tokens, and may have used some itself."""


def new_token(random_bytes: Callable[[int], bytes]) -> str:
    """Return a token of random bits."""
    return encode_token(random_bytes(TOKEN_BYTES))


async def check_offered(
    session: ReadSession | WriteSession, region: str, *, agency: str, service: str
) -> None:
    """Raise `Conflict` unless the agency offers the service; any is valid without a catalogue."""
    entry = await look_up(session, region, service=service, agency=agency)
    if entry.has_catalogue and agency not in entry.offered_by:
        detail = f"is not a service of {agency}; see {API}/services?agency={agency}"
        error = FieldError(pointer="#/service", parameter=None, detail=detail)
        raise Conflict("An agency can issue tokens only for its own services.", errors=[error])


async def store_tokens(
    session: WriteSession,
    region: str,
    tokens: list[str],
    *,
    survey: str,
    use: ServiceUse,
    expires_on: date,
    today: date,
) -> None:
    """Store the hashes of new tokens and delete expired ones."""
    await session.execute(text(DELETE_EXPIRED), {"region": region, "today": today})
    await session.execute(
        text(STORE),
        {
            "region": region,
            "survey": survey,
            "service": use.service,
            "agency": use.agency,
            "channel": use.channel,
            "expires_on": expires_on,
            "issue": f"{use.agency} {today}",
            "hashes": [token_hash(token) for token in tokens],
        },
    )


async def find_token(
    session: ReadSession, region: str, token: str, *, today: date
) -> RatingTokenSubject | None:
    """Return what a token was issued for; None if it is unknown, expired or already used."""
    row = (
        await session.execute(
            text(FIND), {"region": region, "hash": token_hash(token), "today": today}
        )
    ).one_or_none()
    if row is None:
        return None
    return RatingTokenSubject(
        survey=row.survey,
        service=row.service,
        agency=row.agency,
        channel=row.channel or None,
        expires_on=row.expires_on,
    )


async def redeem_token(
    session: WriteSession, region: str, survey: str, token: str, *, today: date
) -> RedeemedToken | None:
    """Redeem a token within the transaction; None if it is unknown, expired or already used."""
    row = (
        await session.execute(
            text(REDEEM),
            {"region": region, "hash": token_hash(token), "survey": survey, "today": today},
        )
    ).one_or_none()
    if row is None:
        return None
    return RedeemedToken(row.service, row.agency, row.channel, row.issue)
