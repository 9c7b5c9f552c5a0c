"""Signing in with a link and its code, at `/unggah` and for survey devices; ending sessions of one.

Two factors: the link, which somebody was sent, and a code, which that person was told another way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from fastapi import Request

from services.gateway.api_keys.signed_links import (
    LinkUse,
    MalformedCodeError,
    WrongCodeError,
    accept_code,
    find_link,
    is_code_of,
    token_in,
)
from services.gateway.people.sign_in import SignIn, TooManyAttemptsError
from services.gateway.portal.key_sessions import KeySession, KeySessions, OpenSession
from services.platform.database import Database
from services.platform.identity import Caller
from services.platform.problems import NotAuthenticated
from services.platform.service import get_region
from services.platform.translation import N_, Message

NOT_ACCEPTED = N_(
    "Tautan ini tidak berlaku: salah, kedaluwarsa, atau dicabut. Mintalah tautan baru pada "
    "Diskominfo."
)
MALFORMED_CODE = N_("Tulis kode enam angka yang disampaikan kepada Anda.")
WRONG_CODE = N_(
    "Kode ini tidak cocok. Sisa percobaan: %(remaining)s; sesudah itu tautan ini dicabut."
)
REVOKED = N_(
    "Kode salah lima kali, sehingga tautan ini dicabut. Mintalah tautan dan kode baru pada "
    "Diskominfo."
)
WRONG_CODE_IN_SESSION = N_("Kode ini tidak cocok. Kodenya sama dengan saat masuk.")
TOO_MANY = N_("Terlalu banyak percobaan. Cobalah lagi 15 menit lagi.")
NO_SUCH_SESSION = N_("Pilih sesi yang diakhiri.")
ALL_SESSIONS = "semua"


class LinkRefusedError(Exception):
    """The link or the code does not let in."""

    def __init__(self, message: Message, *, status: int = 403, **values: object) -> None:
        super().__init__(message.text)
        self.message = message
        self.status = status
        self.values = values


class CodeRefusedError(LinkRefusedError):
    """The link is right and valid still, the code is not; it can be typed again."""


@dataclass(frozen=True)
class LinkSignIn:
    """Signing in with links of one use."""

    use: LinkUse
    sessions: KeySessions

    async def find(self, request: Request, link: str) -> tuple[Caller, datetime]:
        """Return the caller and the expiry of a link or its token.

        Raises:
            LinkRefusedError: It is not valid, or not for this use.
        """
        try:
            return await find_link(
                _database(request),
                get_region(request),
                token_in(link),
                key=request.app.state.secrets_key,
                use=self.use,
                now=datetime.now(UTC),
            )
        except NotAuthenticated:
            raise LinkRefusedError(NOT_ACCEPTED) from None

    async def check(self, request: Request, link: str, code: str) -> Caller:
        """Return the caller of a link whose code this is, and name it in the audit log.

        Raises:
            CodeRefusedError: The code is wrong and can be typed again.
            LinkRefusedError: The link is not valid, or no more after this code.
        """
        caller, _ = await self.find(request, link)
        request.scope["request_log"].impersonate(caller)
        try:
            await accept_code(
                _database(request),
                get_region(request),
                caller.subject,
                code,
                key=request.app.state.secrets_key,
                hashes=_sign_in(request).hashes,
                now=datetime.now(UTC),
            )
        except MalformedCodeError:
            raise CodeRefusedError(MALFORMED_CODE, status=422) from None
        except WrongCodeError as error:
            if error.remaining:
                raise CodeRefusedError(WRONG_CODE, remaining=error.remaining) from None
            raise LinkRefusedError(REVOKED) from None
        return caller

    async def list_sessions(self, request: Request, session: KeySession) -> Sequence[OpenSession]:
        """Return the sessions of a session's link."""
        return await self.sessions.list_open(request, session.caller.subject)

    async def end_sessions(
        self, request: Request, session: KeySession, *, chosen: str, code: str
    ) -> bool:
        """End one or all sessions of a session's link; return whether its own was among them.

        Raises:
            CodeRefusedError: Nothing was chosen, or the code is wrong.
        """
        link_id = session.caller.subject
        session_id = _session_id(chosen)
        if session_id is None and chosen != ALL_SESSIONS:
            raise CodeRefusedError(NO_SUCH_SESSION, status=422)
        await self._confirm(request, link_id, code)
        await self.sessions.end_of_link(request, link_id, session_id=session_id)
        return session_id in (None, session.id)

    async def _confirm(self, request: Request, link_id: str, code: str) -> None:
        # Not counted against the link: whoever stands at a kiosk could revoke it.
        sign_in, now = _sign_in(request), datetime.now(UTC)
        address = request.client.host if request.client is not None else ""
        try:
            await sign_in.count_attempt(f"link {link_id}", address, now=now)
            is_right = await is_code_of(
                _database(request),
                get_region(request),
                link_id,
                code,
                key=request.app.state.secrets_key,
                hashes=sign_in.hashes,
            )
        except TooManyAttemptsError:
            raise CodeRefusedError(TOO_MANY, status=429) from None
        except MalformedCodeError:
            raise CodeRefusedError(MALFORMED_CODE, status=422) from None
        if not is_right:
            raise CodeRefusedError(WRONG_CODE_IN_SESSION)


def _session_id(chosen: str) -> UUID | None:
    try:
        return UUID(chosen)
    except ValueError:
        return None


def _sign_in(request: Request) -> SignIn:
    sign_in: SignIn = request.app.state.sign_in
    return sign_in


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database
