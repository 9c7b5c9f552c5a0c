"""Who is calling: tokens that only the gateway can make."""

import gc
import stat
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr
from starlette.testclient import TestClient

from services.catalog.app import create_app
from services.gateway.app import create_app as create_gateway
from services.platform.identity import (
    ANONYMOUS,
    AUDIENCE,
    ISSUER,
    Caller,
    TokenSigner,
    TokenVerifier,
    ensure_identity_keys,
    load_private_key,
    load_public_key,
)
from services.platform.logging import configure_logging
from services.platform.problems import NotAuthenticated, Unavailable
from services.platform.scopes import SCOPES
from services.platform.settings import Settings
from tests.conftest import Room, agency_caller, room
from tests.servers import LOOPBACK, serving

REGION = "12.12"
KEY = Ed25519PrivateKey.generate()
DUKCAPIL = agency_caller("dukcapil", "usage:write")


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "key",
        "agency": "dukcapil",
        "scopes": ["usage:write"],
        "region": REGION,
        "iat": now,
        "exp": now + 60,
    } | more


def verify(token: str, *, region: str = REGION) -> Caller:
    return TokenVerifier(KEY.public_key(), region).verify(token)


@pytest.mark.parametrize("caller", [ANONYMOUS, DUKCAPIL, agency_caller("pupr", *SCOPES)])
def test_a_signed_caller_comes_back_as_it_was(caller: Caller) -> None:
    assert verify(TokenSigner(KEY, REGION).sign(caller)) == caller


def test_a_caller_gets_the_same_token_while_it_is_young() -> None:
    signer = TokenSigner(KEY, REGION)
    assert signer.sign(DUKCAPIL) == signer.sign(DUKCAPIL)
    assert signer.sign(DUKCAPIL) != signer.sign(ANONYMOUS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": int(time.time()) - 31},
        {"aud": "others"},
        {"region": "12.13"},
        {"region": None},
        {"sub": None},
        {"scopes": ["usage:write", "of-a-newer-version"]},
    ],
)
def test_a_token_of_the_gateway_with_a_wrong_claim_is_no_fault_of_the_caller(
    wrong: dict[str, Any],
) -> None:
    token = jwt.encode(claims(**wrong), KEY, algorithm="EdDSA")
    with pytest.raises(Unavailable):
        verify(token)


def test_a_token_of_another_issuer_is_none() -> None:
    with pytest.raises(NotAuthenticated):
        verify(jwt.encode(claims(iss="others"), KEY, algorithm="EdDSA"))


@pytest.mark.parametrize("skew", [-59, -29, -3, 3, 29, 3600])
def test_a_gateway_whose_clock_differs_is_believed(skew: int) -> None:
    now = int(time.time()) + skew
    token = jwt.encode(claims(iat=now, exp=now + 60), KEY, algorithm="EdDSA")
    assert verify(token) == Caller(
        subject="key", agency="dukcapil", scopes=frozenset(["usage:write"])
    )


@pytest.mark.parametrize("missing", ["exp", "aud", "sub", "region"])
def test_a_token_without_a_claim_is_refused(missing: str) -> None:
    token = jwt.encode(
        {name: value for name, value in claims().items() if name != missing}, KEY, algorithm="EdDSA"
    )
    with pytest.raises(Unavailable):
        verify(token)


def test_a_token_of_another_key_is_refused() -> None:
    token = TokenSigner(Ed25519PrivateKey.generate(), REGION).sign(DUKCAPIL)
    with pytest.raises(Unavailable):
        verify(token)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_of_another_algorithm_is_refused(algorithm: str) -> None:
    key = "" if algorithm == "none" else "a shared secret of thirty-two bytes"
    with pytest.raises(Unavailable):
        verify(jwt.encode(claims(), key, algorithm=algorithm))


def test_a_remembered_token_ends_with_its_life(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = TokenVerifier(KEY.public_key(), REGION)
    token = TokenSigner(KEY, REGION).sign(DUKCAPIL)
    assert verifier.verify(token) == verifier.verify(token) == DUKCAPIL
    end = claims()["exp"]
    monkeypatch.setattr(time, "time", lambda: end + 1.0)
    short = jwt.encode(claims(exp=end - 120), KEY, algorithm="EdDSA")
    with pytest.raises(Unavailable):
        verifier.verify(short)


@pytest.mark.slow
def test_a_token_that_expired_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = TokenVerifier(KEY.public_key(), REGION)
    now = time.time()
    first = verifier.verify(jwt.encode(claims(exp=int(now) + 60), KEY, algorithm="EdDSA"))
    remembered = weakref.ref(first)
    del first
    later = jwt.encode(claims(exp=int(now) + 120), KEY, algorithm="EdDSA")
    verifier.verify(later)
    assert remembered() is not None
    monkeypatch.setattr(time, "time", lambda: now + 61)
    verifier.verify(jwt.encode(claims(exp=int(now) + 121), KEY, algorithm="EdDSA"))
    gc.collect()
    assert remembered() is None


def test_the_memory_of_tokens_is_bounded() -> None:
    signer = TokenSigner(KEY, REGION, cache_size=2)
    verifier = TokenVerifier(KEY.public_key(), REGION, cache_size=2)
    for name in "abcd":
        caller = agency_caller(name)
        assert verifier.verify(signer.sign(caller)) == caller


def test_an_agency_writes_for_itself_and_an_administrator_for_all() -> None:
    assert DUKCAPIL.can_write_for("dukcapil")
    assert not DUKCAPIL.can_write_for("pupr")
    admin = agency_caller("diskominfo", "admin")
    assert admin.can_write_for("pupr")
    assert all(admin.has_scope(scope) for scope in SCOPES)
    assert not ANONYMOUS.can_write_for("pupr")


def test_the_keys_are_made_once_and_the_private_one_is_for_its_owner(tmp_path: Path) -> None:
    private, public = tmp_path / "a" / "private.pem", tmp_path / "b" / "public.pem"
    ensure_identity_keys(private, public)
    first = private.read_bytes(), public.read_bytes()
    ensure_identity_keys(private, public)
    assert (private.read_bytes(), public.read_bytes()) == first
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    token = TokenSigner(load_private_key(private), REGION).sign(DUKCAPIL)
    assert TokenVerifier(load_public_key(public), REGION).verify(token) == DUKCAPIL
    assert sorted(file.name for file in tmp_path.rglob("*.*")) == ["private.pem", "public.pem"]


def test_a_lost_public_key_is_made_from_the_private_one(tmp_path: Path) -> None:
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    ensure_identity_keys(private, public)
    before = public.read_bytes()
    public.unlink()
    ensure_identity_keys(private, public)
    assert public.read_bytes() == before


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b.c",
        "Basic YTpi",
        "Bearer emk_0123456789ab_secret",
    ],
)
def test_a_service_called_without_the_gateways_token_is_401(
    shared_catalog: Room, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = shared_catalog.client.get("/api/v1/services", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("skew", [-29, 3, 29])
def test_services_answer_a_gateway_whose_clock_differs(settings: Settings, skew: int) -> None:
    with serving(create_app(settings)) as address:
        now = int(time.time()) + skew
        signed = claims(iat=now, exp=now + 60, region=settings.region)
        token = jwt.encode(signed, load_private_key(settings.private_key_file), algorithm="EdDSA")
        headers = {"Authorization": f"Bearer {token}"}
        assert LOOPBACK.get(f"{address}/api/v1/services", headers=headers).status_code == 200


def test_two_gateways_of_which_one_is_wrong_are_one_error_in_the_log(
    stderr: Callable[[], str],
) -> None:
    configure_logging(level="INFO", log_format="console", service="test")
    verifier = TokenVerifier(KEY.public_key(), REGION)
    right = TokenSigner(KEY, REGION).sign(DUKCAPIL)
    wrong = TokenSigner(Ed25519PrivateKey.generate(), REGION).sign(DUKCAPIL)
    for _ in range(3):
        assert verifier.verify(right) == DUKCAPIL
        with pytest.raises(Unavailable):
            verifier.verify(wrong)
    assert stderr().count("identity of the gateway") == 1


def test_a_wrong_key_pair_is_a_503_and_one_error_in_the_log(
    settings: Settings, tmp_path: Path, stderr: Callable[[], str]
) -> None:
    configure_logging(level="WARNING", log_format="console", service="test")
    private, public = tmp_path / "other.pem", tmp_path / "other-public.pem"
    ensure_identity_keys(private, public)
    wrong = settings.model_copy(update={"identity_public_key_file": public})
    with serving(create_app(wrong)) as address:
        signer = TokenSigner(load_private_key(settings.private_key_file), settings.region)
        headers = {"Authorization": f"Bearer {signer.sign(ANONYMOUS)}"}
        here = f"{address}/api/v1/services"
        direct = LOOPBACK.get(here, headers=headers)
        assert LOOPBACK.get(here).status_code == 401
        away = settings.model_copy(update={"catalog_url": address})
        with TestClient(create_gateway(away)) as client:
            answers = [client.get("/api/v1/services"), client.get("/api/v1/agencies")]
    for answer in (direct, *answers):
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert "WWW-Authenticate" not in answer.headers
        assert answer.headers["retry-after"] == "5"
    log = stderr()
    assert log.count("identity of the gateway: unavailable") == 1
    assert "InvalidSignatureError" in log


def test_health_and_the_openapi_document_need_no_token(catalog: Room) -> None:
    for path in ("/health/live", "/openapi.json"):
        assert catalog.client.get(path).status_code == 200
    assert catalog.client.get("/health/ready").json()["service"] == "catalog"


def test_a_service_whose_database_is_away_is_alive_but_not_ready(catalog: Room) -> None:
    address = SecretStr("postgresql://postgres@/nothing?host=/nowhere")
    away = catalog.settings.model_copy(update={"database_url": address})
    with room(create_app, away) as started:
        assert started.client.get("/health/live").status_code == 200
        answer = started.client.get("/health/ready")
        assert (answer.status_code, answer.json()["state"]) == (503, "down")
