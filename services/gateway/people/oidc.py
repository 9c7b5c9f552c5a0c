"""Signing in through an OpenID Connect provider: authorization code, PKCE, state and nonce.

The provider is the operator's choice (`EMALL_OIDC_ISSUER`), and answers for the second factor.
OpenID Connect Core 1.0, 3.1; RFC 7636; RFC 9700.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import jwt
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from services.gateway.people.mail.addresses import is_accepted
from services.gateway.people.sessions import RECENT
from services.platform.settings import Settings
from services.platform.types import TEXT_PATTERN

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
"""Signatures of an ID token; none with a shared secret, and not `none`."""
LEEWAY_SECONDS = 30
TIMEOUT_SECONDS = 10
MAX_NAME = 100
WELL_KNOWN = "/.well-known/openid-configuration"


class ProviderError(Exception):
    """The provider did not answer, or not as the protocol says."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Metadata(_Answer):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]


class _Tokens(_Answer):
    id_token: str
    access_token: str


class _Claims(_Answer):
    """Claims about a person, of an ID token or of the userinfo endpoint."""

    sub: Annotated[str, StringConstraints(pattern=TEXT_PATTERN)]
    nonce: str | None = None
    azp: str | None = None
    auth_time: int | None = None
    acr: str | None = None
    email: str | None = None
    email_verified: bool = False
    name: str | None = None


class Login(BaseModel):
    """What the hub remembers while somebody is at the provider; nobody else may read it."""

    model_config = ConfigDict(frozen=True)

    state: str
    nonce: str
    verifier: str
    target: str
    """The page of the workspace to return to."""
    is_renewed: bool
    """Whether the person has to give password or code there anew."""


@dataclass(frozen=True)
class Identity:
    """Whom the provider names."""

    subject: str
    email: str | None
    """The e-mail address, if the provider verified it."""
    name: str


class Provider:
    """An OpenID Connect provider, and the hub as its client."""

    def __init__(
        self, issuer: str, client_id: str, client_secret: str, *, acr: str | None = None
    ) -> None:
        """Create the client; with `acr` the provider must state this authentication context."""
        self._acr = acr
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret

    async def begin(self, redirect_uri: str, *, target: str, is_renewed: bool) -> tuple[str, Login]:
        """Return the address at which somebody signs in, and what to remember meanwhile.

        Raises:
            ProviderError: The provider's metadata cannot be read.
        """
        async with self._http() as http:
            metadata = await self._metadata(http)
        login = Login(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            target=target,
            is_renewed=is_renewed,
        )
        digest = hashlib.sha256(login.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid email profile",
            "state": login.state,
            "nonce": login.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if self._acr is not None:
            query["acr_values"] = self._acr
        if is_renewed:
            query |= {"prompt": "login", "max_age": "0"}
        url = httpx.URL(metadata.authorization_endpoint).copy_merge_params(query)
        return str(url), login

    async def finish(
        self, login: Login, *, state: str, code: str, redirect_uri: str, now: datetime
    ) -> Identity:
        """Return whom the provider names in exchange for a code.

        Raises:
            ProviderError: The answer belongs to no sign-in of this browser, or is not valid.
        """
        if not hmac.compare_digest(login.state.encode(), state.encode("utf-8", "replace")):
            raise ProviderError("the state is another one")
        try:
            async with self._http() as http:
                metadata = await self._metadata(http)
                tokens = await self._redeem(http, metadata, login, code, redirect_uri)
                claims = await self._verify(http, metadata, login, tokens.id_token, now=now)
                if claims.email is None and metadata.userinfo_endpoint is not None:
                    claims = await self._user_info(http, metadata.userinfo_endpoint, tokens, claims)
        except (httpx.HTTPError, jwt.PyJWTError, ValidationError, ValueError) as error:
            raise ProviderError(f"{type(error).__name__} at the provider") from error
        email = claims.email if claims.email_verified else None
        name = " ".join((claims.name or "").split())[:MAX_NAME]
        return Identity(
            claims.sub,
            email.lower() if email is not None and is_accepted(email) else None,
            name if name.isprintable() else "",
        )

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)

    async def _metadata(self, http: httpx.AsyncClient) -> _Metadata:
        try:
            answer = await http.get(self._issuer.rstrip("/") + WELL_KNOWN)
            metadata = _Metadata.model_validate_json(answer.raise_for_status().content)
        except (httpx.HTTPError, ValidationError) as error:
            raise ProviderError(f"{type(error).__name__} at the provider's metadata") from error
        if metadata.issuer != self._issuer:
            raise ProviderError(f"the provider calls itself {metadata.issuer!r}")
        return metadata

    async def _redeem(
        self,
        http: httpx.AsyncClient,
        metadata: _Metadata,
        login: Login,
        code: str,
        redirect_uri: str,
    ) -> _Tokens:
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": login.verifier,
        }
        auth = httpx.Auth()  # sends nothing
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # RFC 6749, 2.3.1: both are form-encoded first.
            auth = httpx.BasicAuth(
                quote(self._client_id, safe=""), quote(self._client_secret, safe="")
            )
        else:
            body |= {"client_id": self._client_id, "client_secret": self._client_secret}
        answer = await http.post(metadata.token_endpoint, data=body, auth=auth)
        return _Tokens.model_validate_json(answer.raise_for_status().content)

    async def _verify(
        self,
        http: httpx.AsyncClient,
        metadata: _Metadata,
        login: Login,
        id_token: str,
        *,
        now: datetime,
    ) -> _Claims:
        """Return the claims of an ID token that is valid, and the answer to this sign-in."""
        keys = (await http.get(metadata.jwks_uri)).raise_for_status().json()
        wanted = jwt.get_unverified_header(id_token).get("kid")
        found = [key for key in jwt.PyJWKSet.from_dict(keys).keys if wanted in (None, key.key_id)]
        if len(found) != 1:
            raise ProviderError("the key of the ID token is not the provider's")
        verified: dict[str, Any] = jwt.decode(
            id_token,
            found[0],
            algorithms=ALGORITHMS,
            audience=self._client_id,
            issuer=self._issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
        claims = _Claims.model_validate(verified)
        if not hmac.compare_digest(login.nonce.encode(), (claims.nonce or "").encode()):
            raise ProviderError("the nonce is another one")
        if claims.azp not in (None, self._client_id):
            raise ProviderError("the ID token is for another client")
        if self._acr is not None and claims.acr != self._acr:
            raise ProviderError("the provider did not ask for the factors that are required")
        if login.is_renewed and (
            claims.auth_time is None or now.timestamp() - claims.auth_time > RECENT.total_seconds()
        ):
            raise ProviderError("the provider did not ask for password or code anew")
        return claims

    async def _user_info(
        self, http: httpx.AsyncClient, endpoint: str, tokens: _Tokens, claims: _Claims
    ) -> _Claims:
        headers = {"Authorization": f"Bearer {tokens.access_token}"}
        answer = (await http.get(endpoint, headers=headers)).raise_for_status()
        found = _Claims.model_validate_json(answer.content)
        if found.sub != claims.sub:
            raise ProviderError("the userinfo is of somebody else")
        return found


def create_provider(settings: Settings) -> Provider | None:
    """Return the provider of the settings; None if they name none."""
    issuer, client, secret = (
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret,
    )
    if issuer is None or client is None or secret is None:
        return None
    return Provider(issuer, client, secret.get_secret_value(), acr=settings.oidc_acr)
