"""Caller identity: short-lived JWTs (EdDSA) that the gateway signs and services verify."""

import os
import time
from collections import OrderedDict
from pathlib import Path
from typing import Annotated, Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, ValidationError

from services.platform.logging import Outage, get_logger
from services.platform.problems import NotAllowed, NotAuthenticated, Unavailable
from services.platform.scopes import Scope

log = get_logger(__name__)

ISSUER = "emall-gateway"
AUDIENCE = "emall-services"
TOKEN_SECONDS = 60
LEEWAY_SECONDS = 30
"""By how much the clocks of a gateway and a service may differ."""
QUIET_SECONDS = 60.0
"""How long no token was refused when refusals are over: of two gateways one may be wrong."""


class Caller(BaseModel):
    """Identity of a request: an agency's API key, the gateway, or anonymous."""

    model_config = ConfigDict(frozen=True)

    subject: str
    """`anonymous`, `gateway`, or the id of the key."""
    agency: str | None = None
    scopes: frozenset[Scope] = frozenset()
    family: str | None = None
    """Id of the first of the keys that were made from each other; None of others than keys."""

    @property
    def person(self) -> str:
        """Who counts as one person: keys that were made from each other do."""
        return self.family or self.subject

    @property
    def is_anonymous(self) -> bool:
        return self.subject == "anonymous"

    @property
    def is_gateway(self) -> bool:
        return self.subject == "gateway"

    @property
    def actor(self) -> str:
        """Who is recorded as the author of a change: the agency, or the key's id without one."""
        return self.agency or self.subject

    def has_scope(self, scope: Scope) -> bool:
        return scope in self.scopes or "admin" in self.scopes

    def can_write_for(self, agency: str) -> bool:
        """Return whether the caller may write for an agency: its own, or any with scope `admin`."""
        return self.agency == agency or "admin" in self.scopes


ANONYMOUS = Caller(subject="anonymous")
GATEWAY_CALLER = Caller(subject="gateway", scopes=frozenset({"usage:write"}))
HUB_READER = Caller(subject="gateway", scopes=frozenset({"admin"}))
"""Who reads what belongs to all agencies, for notices and the desk of the lead agency."""


class TokenSigner:
    """Signs tokens for callers. Tokens are reused until half their lifetime has passed."""

    def __init__(self, key: Ed25519PrivateKey, region: str, *, cache_size: int = 1024) -> None:
        self._key = key
        self._region = region
        self._tokens: OrderedDict[Caller, tuple[float, str]] = OrderedDict()
        self._cache_size = cache_size

    def sign(self, caller: Caller) -> str:
        now = time.time()
        known = self._tokens.get(caller)
        if known is not None and known[0] > now:
            return known[1]
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": caller.subject,
            "agency": caller.agency,
            "scopes": sorted(caller.scopes),
            "family": caller.family,
            "region": self._region,
            "iat": int(now),
            "exp": int(now) + TOKEN_SECONDS,
        }
        token = jwt.encode(claims, self._key, algorithm="EdDSA")
        self._tokens[caller] = (now + TOKEN_SECONDS / 2, token)
        self._tokens.move_to_end(caller)
        while len(self._tokens) > self._cache_size:
            self._tokens.popitem(last=False)
        return token


class TokenVerifier:
    """Verifies tokens and caches the result until they expire.

    What is no token of the gateway is the caller's error (401). A token of the gateway that does
    not hold is the hub's: another key pair, another region, clocks too far apart. The caller gets
    a 503, and the log an error at the beginning and a line at the end.
    """

    def __init__(self, key: Ed25519PublicKey, region: str, *, cache_size: int = 1024) -> None:
        self._key = key
        self._region = region
        self._verified: OrderedDict[str, tuple[float, Caller]] = OrderedDict()
        self._cache_size = cache_size
        self._refusals = Outage(
            log, "identity of the gateway:", level="error", quiet_seconds=QUIET_SECONDS
        )

    def verify(self, token: str) -> Caller:
        """Return the caller of a valid token; raise `NotAuthenticated` or `Unavailable` if not."""
        known = self._verified.get(token)
        if known is not None and known[0] > time.time():
            self._refusals.succeeded()
            return known[1]
        try:
            expires, caller = self._decode(token)
        except (jwt.InvalidTokenError, ValidationError) as error:
            if not _is_of_gateway(token):
                raise NotAuthenticated(
                    "This service accepts requests only through the gateway."
                ) from None
            self._refusals.failed(error)
            raise Unavailable(
                "This service cannot verify the gateway's identity; its log has the reason."
            ) from None
        self._refusals.succeeded()
        self._forget_expired()
        self._verified[token] = (expires, caller)
        while len(self._verified) > self._cache_size:
            self._verified.popitem(last=False)
        return caller

    def _forget_expired(self) -> None:
        """Forget tokens that have expired; the first ones that came are the first to expire."""
        now = time.time()
        while self._verified and next(iter(self._verified.values()))[0] <= now:
            self._verified.popitem(last=False)

    def _decode(self, token: str) -> tuple[float, Caller]:
        """Return a token's end and its caller.

        When it was issued is not checked: a gateway whose clock is ahead issues in the future.
        """
        claims: dict[str, Any] = jwt.decode(
            token,
            self._key,
            algorithms=["EdDSA"],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "sub", "aud", "iss"], "verify_iat": False},
        )
        if claims.get("region") != self._region:
            raise jwt.InvalidTokenError(
                f"the token is of region {claims.get('region')!r}, the service of {self._region!r}"
            )
        caller = Caller(
            subject=claims["sub"],
            agency=claims.get("agency"),
            scopes=claims.get("scopes", ()),
            family=claims.get("family"),
        )
        return float(claims["exp"]), caller


def _is_of_gateway(token: str) -> bool:
    """Return whether a token claims to be the gateway's; its signature is not looked at."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return False
    return claims.get("iss") == ISSUER


def ensure_identity_keys(private_file: Path, public_file: Path) -> None:
    """Create the key pair if it is missing; of concurrent processes the first one wins."""
    ensure_private_key(private_file)
    if not public_file.exists():
        public_file.parent.mkdir(parents=True, exist_ok=True)
        pem = (
            load_private_key(private_file)
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        _write_once(public_file, pem, mode=0o644)


def ensure_private_key(file: Path, *, copy_of: Path | None = None) -> None:
    """Create a private key if it is missing, as a copy of another one if that exists."""
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if copy_of is not None and copy_of.exists():
        pem = copy_of.read_bytes()
    else:
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    _write_once(file, pem, mode=0o600)


def _write_once(file: Path, content: bytes, *, mode: int) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.touch(mode=mode)
    draft.write_bytes(content)
    try:
        os.link(draft, file)  # atomic; fails if the file exists
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def load_private_key(file: Path) -> Ed25519PrivateKey:
    key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(
            f"{file} contains a {type(key).__name__}; an Ed25519 private key is required"
        )
    return key


def load_public_key(file: Path) -> Ed25519PublicKey:
    key = serialization.load_pem_public_key(file.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise TypeError(
            f"{file} contains a {type(key).__name__}; an Ed25519 public key is required"
        )
    return key


def get_caller(request: Request) -> Caller:
    """Return the caller that `TokenMiddleware` took from the request's token."""
    caller: Caller = request.scope["caller"]
    return caller


async def _caller(request: Request) -> Caller:
    # FastAPI calls a dependency that is no coroutine in a thread, which takes longer than this.
    return get_caller(request)


CurrentCaller = Annotated[Caller, Depends(_caller)]
"""The caller of a request, with or without an API key."""


SCHEME = "agency_key"
"""Name of the security scheme of API keys in the OpenAPI document."""


class RequireScope(HTTPBearer):
    """Dependency that requires a scope, or one of several, and documents it in OpenAPI."""

    def __init__(self, scope: Scope, *others: Scope) -> None:
        super().__init__(
            scheme_name=SCHEME,
            description="API key of an agency, `emk_<id>_<secret>`, issued by `emall keys issue`.",
            auto_error=False,
        )
        self.scope: Scope = scope
        self.scopes: tuple[Scope, ...] = (scope, *others)

    async def __call__(self, request: Request) -> Caller:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.check(get_caller(request))

    def check(self, caller: Caller) -> Caller:
        """Return the caller; raise `NotAuthenticated` or `NotAllowed` if it lacks the scope."""
        if caller.is_anonymous:
            raise NotAuthenticated("Send an agency's key: Authorization: Bearer emk_<id>_<secret>.")
        if not any(map(caller.has_scope, self.scopes)):
            raise NotAllowed(
                f"This key does not have the scope {' or '.join(self.scopes)}; issue one with "
                f"`emall keys issue --agency SLUG --scope {self.scope}`."
            )
        return caller


UsageWriter = Annotated[Caller, Depends(RequireScope("usage:write"))]
CommentsReader = Annotated[Caller, Depends(RequireScope("comments:read", "comments:write"))]
CommentsHandler = Annotated[Caller, Depends(RequireScope("comments:write"))]
CATALOG_WRITER = RequireScope("catalog:write")
CATALOG_REVIEWER = RequireScope("catalog:approve", "catalog:write")
CatalogWriter = Annotated[Caller, Depends(CATALOG_WRITER)]
CatalogReviewer = Annotated[Caller, Depends(CATALOG_REVIEWER)]
EvidenceWriter = Annotated[Caller, Depends(RequireScope("evidence:write"))]
EvidenceReader = Annotated[Caller, Depends(RequireScope("evidence:write", "evidence:confirm"))]
"""Who reads what belongs to evidence but is not public."""
EvidenceConfirmer = Annotated[Caller, Depends(RequireScope("evidence:confirm"))]
Administrator = Annotated[Caller, Depends(RequireScope("admin"))]
MetricsDrafter = Annotated[Caller, Depends(RequireScope("metrics:draft"))]
