"""People of tests: invited, set up and signed in as a browser does it, over HTTP."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from pyotp.totp import TOTP

from services.gateway.people import passwords
from services.gateway.people.invitations import IssuedInvitation, invite
from services.gateway.people.roles import Role, role_assignment
from services.platform.database import Database
from services.platform.settings import Service, Settings
from tests.conftest import Hub, run_in_thread

PASSWORD = "tiga kerbau menyeberang danau"
COST_OF_A_HUB = passwords.TIME_COST, passwords.MEMORY_KIB, passwords.LANES
"""Parameters of the hashes that a hub makes."""
# An account takes eleven hashes; with those parameters, a quarter of a second of computing.
passwords.MEMORY_KIB = 64
USER_AGENT = "Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0"


def invite_person(
    hub: Hub, email: str | None, *roles: tuple[Role, str | None], now: datetime | None = None
) -> IssuedInvitation:
    """Invite a person to a hub as `emall people invite` does."""
    return invite_to(hub.settings, email, *roles, now=now)


def invite_to(
    settings: Settings,
    email: str | None,
    *roles: tuple[Role, str | None],
    now: datetime | None = None,
) -> IssuedInvitation:
    """Invite a person to the hub with these settings."""

    async def work() -> IssuedInvitation:
        database = Database(settings, Service.gateway)
        async with database.write_session() as session:
            issued = await invite(
                session,
                settings.region,
                email=email,
                roles=[role_assignment(role, agency) for role, agency in roles],
                by="command-line",
                now=now or datetime.now(UTC),
            )
        await database.close()
        return issued

    return run_in_thread(work())


def execute(
    hub: Hub, statement: str, *values: Any, service: Service = Service.gateway
) -> list[Any]:
    """Run a statement on the hub's database, as time or another process would change it."""

    async def work() -> list[Any]:
        database = Database(hub.settings, service)
        connection = await database.connect(purpose="test")
        rows = await connection.fetch(statement, *values)
        await connection.close()
        await database.close()
        return rows

    return run_in_thread(work())


@dataclass
class Colleague:
    """A person with an account, in a browser of its own."""

    hub: Hub
    email: str
    secret: str
    recovery_codes: Sequence[str]
    cookies: httpx.Cookies

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Open a page."""
        return self._request("GET", path, **more)

    def post(self, path: str, fields: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """Send a form with the token of the session."""
        return self._request("POST", path, data={"kata": self.form_token, **(fields or {})}, **more)

    def post_invitation(self, step: str, fields: dict[str, str]) -> httpx.Response:
        """Send a form of the page of an invitation, whose token is in a cookie."""
        return self._request("POST", f"/kelola/undangan{step}", data=fields)

    @property
    def form_token(self) -> str:
        found = re.search(r'name="kata" value="([0-9a-f]+)"', self.get("/kelola/akun").text)
        return found[1] if found else ""

    def code(self) -> str:
        """Return a code that is valid now; earlier ones count as not used."""
        execute(self.hub, "UPDATE gateway.person_credential SET totp_step = 0")
        return TOTP(self.secret).now()

    def sign_in(self, password: str = PASSWORD, code: str | None = None) -> httpx.Response:
        """Sign in anew and return the answer to the code, or to a wrong password."""
        self.cookies.clear()
        fields = {"surel": self.email, "sandi": password}
        answer = self._request("POST", "/kelola/masuk", data=fields)
        if answer.status_code != 303:
            return answer
        return self._request("POST", "/kelola/masuk/kode", data={"kode": code or self.code()})

    def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        client = self.hub.client
        client.cookies = self.cookies
        client.headers["User-Agent"] = USER_AGENT
        answer = client.request(method, path, **more)
        self.cookies = httpx.Cookies(client.cookies)
        client.cookies.clear()
        return answer


def visitor(hub: Hub) -> Colleague:
    """Return somebody without an account, in a browser of its own."""
    return Colleague(hub, "", "", (), httpx.Cookies())


def colleague(hub: Hub, email: str, *roles: tuple[Role, str | None]) -> Colleague:
    """Invite a person and accept the invitation, which signs in."""
    issued = invite_person(hub, email, *roles)
    person = Colleague(hub, email, "", (), httpx.Cookies())
    opened = person.get(issued.path)
    assert opened.headers["location"] == "/kelola/undangan"
    chosen = person.post_invitation("", {"nama": email.partition("@")[0], "sandi": PASSWORD})
    assert chosen.status_code == 303, chosen.text
    page = person.get("/kelola/undangan/kode")
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page.text)
    assert found is not None, page.text
    person.secret = found[1].replace(" ", "")
    accepted = person.post_invitation("/kode", {"kode": TOTP(person.secret).now()})
    assert accepted.status_code == 200, accepted.text
    person.recovery_codes = re.findall(r"<li><code>([a-z0-9-]+)</code>", accepted.text)
    return person
