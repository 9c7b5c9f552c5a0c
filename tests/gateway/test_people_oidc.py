"""Signing in through an identity provider that runs over a socket."""

import base64
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI, Request
from jwt.algorithms import OKPAlgorithm
from pydantic import SecretStr
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.testclient import TestClient

from services.gateway.app import create_app
from tests.conftest import Hub, Server
from tests.gateway.people import Colleague, execute, invite_person, visitor
from tests.servers import LOOPBACK, serving

SIGN_IN = "/kelola/masuk"
CLIENT = ("emall", "rahasia: klien")
KEY = Ed25519PrivateKey.generate()
OTHER_KEY = Ed25519PrivateKey.generate()


@dataclass
class Provider:
    """An identity provider as strict as the standards: PKCE, client secret, codes for one use."""

    issuer: str = ""
    user: dict[str, Any] = field(default_factory=dict[str, Any])
    changed: dict[str, Any] = field(default_factory=dict[str, Any])
    """Claims that the ID token has instead of the right ones."""
    key: Ed25519PrivateKey = KEY
    asked: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def metadata() -> Any:
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
            }

        @app.get("/jwks")
        def jwks() -> Any:
            public = OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
            return {"keys": [{**public, "kid": "one", "use": "sig", "alg": "EdDSA"}]}

        @app.get("/authorize")
        def authorize(request: Request) -> Response:
            query = dict(request.query_params)
            assert query["code_challenge_method"] == "S256"
            code = f"code-{len(self.asked)}"
            self.asked[code] = query
            back = httpx.URL(query["redirect_uri"], params={"code": code, "state": query["state"]})
            return RedirectResponse(str(back))

        @app.post("/token")
        async def token(request: Request) -> Response:
            form = await request.form()
            sent = base64.b64decode(request.headers["authorization"].removeprefix("Basic "))
            client = tuple(unquote(part) for part in sent.decode().split(":"))
            asked = self.asked.pop(str(form["code"]), None)
            digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if (
                asked is None
                or client != CLIENT
                or asked["code_challenge"] != challenge
                or asked["redirect_uri"] != form["redirect_uri"]
            ):
                return JSONResponse({"error": "invalid_grant"}, status_code=400)
            now = int(time.time())
            claims: dict[str, Any] = {
                "iss": self.issuer,
                "aud": CLIENT[0],
                "sub": self.user["sub"],
                "iat": now,
                "exp": now + 300,
                "auth_time": now,
                "nonce": asked["nonce"],
                "acr": asked["acr_values"],
            }
            id_token = jwt.encode(
                claims | self.changed, self.key, algorithm="EdDSA", headers={"kid": "one"}
            )
            return JSONResponse({"id_token": id_token, "access_token": "a", "token_type": "Bearer"})

        @app.get("/userinfo")
        def userinfo(request: Request) -> Any:
            assert request.headers["authorization"] == "Bearer a"
            return self.user

        return app


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    with serving(made.app()) as address:
        made.issuer = address
        yield made


@pytest.fixture(scope="module")
def running(server: Server, toba: str, provider: Provider) -> Iterator[Hub]:
    """Start a hub that knows the provider."""
    with server.database_from(toba) as name:
        settings = server.settings(
            name,
            oidc_issuer=provider.issuer,
            oidc_client_id=CLIENT[0],
            oidc_client_secret=SecretStr(CLIENT[1]),
            oidc_acr="urn:example:two-factors",
        )
        with TestClient(create_app(settings), follow_redirects=False) as client:
            yield Hub(client, settings)


@pytest.fixture
def hub(running: Hub, provider: Provider) -> Iterator[Hub]:
    yield running
    running.client.cookies.clear()
    provider.changed, provider.key = {}, KEY


def sign_in(person: Colleague, query: str = "") -> httpx.Response:
    """Go to the provider and come back."""
    there = person.get(f"/kelola/masuk/oidc{query}")
    assert there.status_code == 303, there.text
    back = LOOPBACK.get(there.headers["location"])
    parts = urlsplit(back.headers["location"])
    return person.get(f"{parts.path}?{parts.query}")


def user(provider: Provider, subject: str, email: str, *, verified: bool = True) -> None:
    provider.user = {
        "sub": subject,
        "email": email,
        "email_verified": verified,
        "name": "Nama di Penyedia",
    }


def test_an_invited_person_signs_in_and_is_known_by_the_id_afterwards(
    hub: Hub, provider: Provider
) -> None:
    invite_person(hub, "rani@toba.test", ("reporter", "dukcapil"))
    user(provider, "s-1", "Rani@Toba.test")
    person = visitor(hub)
    assert "Masuk dengan akun instansi" in person.get(SIGN_IN).text
    answer = sign_in(person, "?ke=/kelola/akun")
    assert answer.headers["location"] == "/kelola/akun"
    assert "Nama di Penyedia" in person.get("/kelola").text
    # The address may change at the provider, but not whose it is.
    user(provider, "s-1", "rani.baru@toba.test", verified=False)
    assert sign_in(visitor(hub)).status_code == 303
    user(provider, "s-2", "rani@toba.test")
    assert sign_in(visitor(hub)).status_code == 403


@pytest.mark.slow
@pytest.mark.parametrize(
    ("email", "verified"),
    [
        ("tak.diundang@toba.test", True),
        ("siti@toba.test", False),
        ("siti\0@toba.test", True),
    ],
)
def test_who_is_not_invited_or_not_verified_is_refused(
    hub: Hub, provider: Provider, email: str, verified: bool
) -> None:
    invite_person(hub, "siti@toba.test", ("reporter", "dukcapil"))
    user(provider, f"s-{email!r}", email, verified=verified)
    person = visitor(hub)
    answer = sign_in(person)
    assert answer.status_code == 403
    assert "belum diundang" in answer.text
    assert person.get("/kelola").headers["location"] == SIGN_IN


def test_a_disabled_person_is_refused(hub: Hub, provider: Provider) -> None:
    invite_person(hub, "dulu@toba.test", ("reporter", "dukcapil"))
    user(provider, "s-3", "dulu@toba.test")
    person = visitor(hub)
    assert sign_in(person).status_code == 303
    execute(hub, "UPDATE gateway.person SET disabled_at = now() WHERE email = 'dulu@toba.test'")
    assert person.get("/kelola").headers["location"] == SIGN_IN
    assert sign_in(person).status_code == 403


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "another"},
        {"aud": "another"},
        {"iss": "https://another.example"},
        {"exp": 1},
        {"azp": "another"},
        {"acr": "urn:example:password"},
        {"acr": None},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_an_id_token_that_is_not_the_answer_to_this_sign_in_is_refused(
    hub: Hub, provider: Provider, changed: dict[str, Any]
) -> None:
    invite_person(hub, "token@toba.test", ("reporter", "dukcapil"))
    user(provider, "s-4", "token@toba.test")
    provider.changed = changed
    assert sign_in(visitor(hub)).status_code == 403


def test_an_id_token_of_another_key_is_refused(hub: Hub, provider: Provider) -> None:
    invite_person(hub, "kunci@toba.test", ("reporter", "dukcapil"))
    user(provider, "s-5", "kunci@toba.test")
    provider.key = OTHER_KEY
    assert sign_in(visitor(hub)).status_code == 403


def test_an_answer_of_another_browser_or_sent_twice_is_refused(
    hub: Hub, provider: Provider
) -> None:
    invite_person(hub, "dua@toba.test", ("reporter", "dukcapil"))
    user(provider, "s-6", "dua@toba.test")
    person, victim = visitor(hub), visitor(hub)
    there = person.get("/kelola/masuk/oidc")
    back = urlsplit(LOOPBACK.get(there.headers["location"]).headers["location"])
    path = f"{back.path}?{back.query}"
    assert victim.get(path).status_code == 403
    victim.get("/kelola/masuk/oidc")
    assert victim.get(path).status_code == 403
    assert "state" in parse_qs(back.query)
    cookies = httpx.Cookies(person.cookies)
    assert person.get(path).status_code == 303
    person.cookies = cookies
    assert person.get(path).status_code == 403


@pytest.mark.slow
def test_a_dangerous_act_asks_the_provider_for_password_or_code_anew(
    hub: Hub, provider: Provider
) -> None:
    invite_person(hub, "kepala@toba.test", ("administrator", None))
    user(provider, "s-7", "kepala@toba.test")
    person = visitor(hub)
    sign_in(person)
    execute(hub, "UPDATE gateway.person_session SET verified_at = now() - interval '1 hour'")
    asked = person.get("/kelola/orang/undang").headers["location"]
    assert asked.startswith("/kelola/konfirmasi?ke=")
    assert "/kelola/masuk/oidc?ulang=true" in person.get(asked).text
    query = "?ulang=true&ke=/kelola/orang/undang"
    provider.changed = {"auth_time": int(time.time()) - 3600}
    assert sign_in(person, query).status_code == 403
    provider.changed = {}
    assert sign_in(person, query).headers["location"] == "/kelola/orang/undang"
    assert person.get("/kelola/orang/undang").status_code == 200


@pytest.mark.slow
def test_a_provider_that_is_away_leaves_the_local_way_open(server: Server, toba: str) -> None:
    with server.database_from(toba) as name:
        settings = server.settings(
            name,
            oidc_issuer="http://127.0.0.1:9",
            oidc_client_id="emall",
            oidc_client_secret=SecretStr("x"),
        )
        with TestClient(create_app(settings), follow_redirects=False) as client:
            answer = client.get("/kelola/masuk/oidc")
    assert answer.status_code == 503
    assert 'name="sandi"' in answer.text
