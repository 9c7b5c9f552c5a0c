"""Settings of the hub, read from the environment with the prefix `EMALL_`."""

import os
from datetime import time
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AnyHttpUrl,
    Field,
    SecretStr,
    TypeAdapter,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.platform.database_address import parse_database_address
from services.platform.logging import LogFormat, LogLevel
from services.platform.networks import Networks

_PACKAGE = Path(__file__).resolve().parents[1]

ROOT = _PACKAGE / "_data" if (_PACKAGE / "_data").is_dir() else _PACKAGE.parent
"""Folder of `migrations/`, `methods/`, `packs/` and `docs/runbook.md`: package data of a wheel, or
the checkout."""

DEFAULT_PACK = ROOT / "packs" / "toba"

CONTAINER_SECRETS = "/run/secrets"


class Service(StrEnum):
    """The four services; each owns a PostgreSQL schema of its name and a role."""

    gateway = "gateway"
    catalog = "catalog"
    feedback = "feedback"
    assessment = "assessment"


class Standalone(StrEnum):
    """Programs beside the hub, each with a schema and a role that only it migrates."""

    collector = "collector"


SchemaOwner = Service | Standalone
"""Who has a PostgreSQL schema of its own."""


class KeyName(StrEnum):
    """The hub's own keys; all are Ed25519 private keys in files of their own."""

    identity = "identity"
    secrets = "secrets"
    publishing = "publishing"
    comments = "comments"


_CONTACT = r"(mailto:[^\s@]+@[^\s@]+|https://[^\s]+|tel:\+?[0-9-]+)"
"""A contact as RFC 9116 allows it."""


class ForwardedHeader(StrEnum):
    """The headers in which a reverse proxy can report the client's address."""

    x_forwarded_for = "x-forwarded-for"
    forwarded = "forwarded"
    x_real_ip = "x-real-ip"


class SmtpTls(StrEnum):
    """How the connection to the mail server is encrypted."""

    starttls = "starttls"
    tls = "tls"
    none = "none"


HTTP_URL: TypeAdapter[AnyHttpUrl] = TypeAdapter(AnyHttpUrl)
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Settings(BaseSettings):
    """Settings of a process, from environment variables with the prefix `EMALL_`."""

    model_config = SettingsConfigDict(
        env_prefix="EMALL_", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    host: str = Field("127.0.0.1", description="Address the server listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the server listens on.")
    data_dir: Path = Field(
        Path(".data"), description="Folder of the embedded PostgreSQL and of the hub's own keys."
    )
    region: str = Field(
        "12.12",
        pattern=r"^\d{2}(\.\d{2})?$",
        description="Code of the regency or province (Ministry of Home Affairs), as in 12.12.",
    )
    public_url: AnyHttpUrl | None = Field(
        None, description="Public URL of the hub, used in feeds, posters and documents."
    )
    security_contact: str | None = Field(
        None,
        pattern=rf"^{_CONTACT}( {_CONTACT})*$",
        description="Contacts for reports of weaknesses, in `/.well-known/security.txt`, separated "
        "by spaces: `mailto:`, `https:` or `tel:` URIs.",
    )
    database_url: SecretStr | None = Field(
        None, description="URL of PostgreSQL 15 or later; if unset, the embedded server is started."
    )
    database_direct_url: SecretStr | None = Field(
        None,
        description="URL of the server itself if the other URLs lead to a pooler such as "
        "PgBouncer; user, password and database default to theirs.",
    )
    database_read_url: SecretStr | None = Field(
        None,
        description="URL of a read replica for reads, used while it is as new as the server; user, "
        "password and database default to those of the other URLs.",
    )
    gateway_database_url: SecretStr | None = Field(
        None, description="Login of the gateway's role; default: `database_url` with SET ROLE."
    )
    catalog_database_url: SecretStr | None = Field(None, description="The same for the catalog.")
    feedback_database_url: SecretStr | None = Field(None, description="The same for feedback.")
    assessment_database_url: SecretStr | None = Field(None, description="The same for assessment.")
    role_prefix: str | None = Field(
        None,
        # Names that need no quotes; those with `pg_` are PostgreSQL's own.
        pattern=r"^([a-oq-z]|p[a-fh-z0-9_]|pg[a-z0-9])[a-z0-9_]*$|^p$",
        max_length=50,
        description="Prefix of the database roles that `emall migrate` makes, as in "
        "`emall_gateway`; default: those that the database uses, in a new one `emall`, or "
        "`emall_` and the database's name if another hub on the server has these.",
    )
    database_pool_size: int = Field(5, ge=1, le=100, description="Pooled connections per service.")
    catalog_url: str | None = Field(
        None,
        description="URL of the catalog service, or of each of its processes, separated by spaces; "
        "default: in the same process.",
    )
    feedback_url: str | None = Field(None, description="The same for feedback.")
    assessment_url: str | None = Field(None, description="The same for assessment.")
    identity_private_key_file: Path | None = Field(
        None, description="Ed25519 key (PEM) that signs internal tokens; only the gateway needs it."
    )
    identity_public_key_file: Path | None = Field(
        None, description="Ed25519 public key (PEM) with which every service verifies them."
    )
    secrets_private_key_file: Path | None = Field(
        None,
        description="Ed25519 key (PEM) from which the gateway derives upload links, the secrets of "
        "webhooks and the digests of OSS messages; created at first use.",
    )
    publishing_private_key_file: Path | None = Field(
        None,
        description="Ed25519 key (PEM) that signs published assessments; created at first use. "
        "Every process of the assessment service needs the same one.",
    )
    oidc_issuer: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="Issuer of the OpenID Connect provider through which people may sign in at "
        "`/kelola`, exactly as it calls itself; default: none.",
    )
    oidc_client_id: str | None = Field(None, description="The hub's client id there.")
    oidc_client_secret: SecretStr | None = Field(None, description="The hub's secret there.")
    oidc_acr: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Authentication context of two factors at the provider (`acr`), which the hub "
        "asks for and every sign-in must state.",
    )
    smtp_host: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9.:-]+$",
        description="Mail server through which people are told of what waits for them; default: "
        "none, and no mail is sent.",
    )
    smtp_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port of the mail server; default: 587, with `tls` 465, with `none` 25.",
    )
    smtp_user: str | None = Field(None, description="User name there; default: no sign-in.")
    smtp_password: SecretStr | None = Field(None, description="Password there.")
    smtp_tls: SmtpTls = Field(
        SmtpTls.starttls,
        description="Encryption of the connection: `starttls`, `tls` (from its beginning), or "
        "`none`.",
    )
    smtp_from: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$",
        description="E-mail address that mails come from.",
    )
    mail_hours_begin: time = Field(
        time(7, 30),
        description="Local time of a working day from which digests and reminders are mailed.",
    )
    mail_hours_end: time = Field(
        time(16), description="Local time until which they are; later than the begin."
    )
    comments_private_key_file: Path | None = Field(
        None,
        description="Ed25519 key (PEM) from which the keys of contact details and of ticket tokens "
        "are derived; created at first use. Every process of the feedback service needs the same "
        "one.",
    )
    comment_retention_months: int = Field(
        24, ge=1, le=1200, description="Months after which a closed comment's text is deleted."
    )
    silence_seconds: float = Field(
        2,
        ge=0.2,
        le=60,
        description="Seconds without an answer after which the database, or a service in another "
        "process, counts as away and is not asked until it answers again.",
    )
    upstream_timeout_seconds: float = Field(
        20, gt=0, le=300, description="Seconds without data after which a request times out."
    )
    max_body_bytes: int = Field(8 * 1024 * 1024, ge=1024, description="Largest request body.")
    cache_max_bytes: int = Field(
        64 * 1024 * 1024,
        ge=0,
        description="Memory for cached responses, per process; 0 turns the cache off.",
    )
    fast_path: bool = Field(
        True,
        description="Whether uvicorn's protocol answers fresh cache hits and valid events without "
        "calling the application.",
    )
    event_retention_months: int = Field(
        13,
        ge=1,
        le=1200,
        description="Months after which single usage events are deleted; counts remain.",
    )
    bundle_seconds: int = Field(
        300,
        ge=0,
        le=86_400,
        description="Seconds between two runs of the job that publishes new survey responses and "
        "settled comments in bundles; 0: never.",
    )
    survey_responses_per_sender: int = Field(
        3,
        ge=1,
        le=1_000_000,
        description="Responses of one sender that count, per survey, service and day; three times "
        "as many per survey and day. Others are held until somebody has looked at them.",
    )
    reporting_due_day: int = Field(
        10,
        ge=1,
        le=28,
        description="Day of the next month by which monthly statistics are due.",
    )
    link_check_seconds: int = Field(
        300,
        ge=0,
        le=86_400,
        description="Seconds between two checks of a link; 0: no periodic checks.",
    )
    domain_check_seconds: int = Field(
        86_400,
        ge=0,
        le=432_000,
        description="Seconds between two queries for the expiration of a link's domain; 0: none.",
    )
    rdap_servers: dict[str, AnyHttpUrl] | None = Field(
        None,
        description="RDAP servers of registries, a JSON object of top-level domain and URL; "
        "default: that of .id.",
    )
    link_check_retention_months: int = Field(
        13,
        ge=2,
        le=1200,
        description="Whole months after which single checks of links are deleted; uptime by day "
        "remains.",
    )
    audit_retention_months: int = Field(
        60,
        ge=12,
        le=1200,
        description="Whole months after which lines of the audit log are deleted; the signed head "
        "of each month remains.",
    )
    metering_retention_months: int = Field(
        24,
        ge=1,
        le=1200,
        description="Whole months after which the hourly counts of each key are deleted.",
    )
    trusted_proxies: str = Field(
        "127.0.0.1 ::1",
        description="Addresses or networks of trusted proxies, separated by spaces.",
    )
    forwarded_header: ForwardedHeader = Field(
        ForwardedHeader.x_forwarded_for,
        description="The only header read for the address that a trusted proxy reports: "
        "`x-forwarded-for`, `forwarded` or `x-real-ip`.",
    )
    address_reads_per_minute: int = Field(
        1200, ge=0, description="Reads per minute of an address without a key; 0: no limit."
    )
    address_writes_per_minute: int = Field(
        600, ge=0, description="Writes per minute of an address without a key; 0: no limit."
    )
    address_exports_per_minute: int = Field(
        60, ge=0, description="Exports per minute of an address without a key; 0: no limit."
    )
    key_reads_per_minute: int = Field(
        6000, ge=0, description="Reads per minute with a key; 0: no limit."
    )
    key_writes_per_minute: int = Field(
        6000, ge=0, description="Writes per minute with a key; 0: no limit."
    )
    key_exports_per_minute: int = Field(
        240, ge=0, description="Exports per minute with a key; 0: no limit."
    )
    ssrf_allowed_hosts: frozenset[str] | None = Field(
        None,
        description="Hosts in private networks that the SSRF guard allows, at any port or, as "
        "host:port, at one; a JSON list.",
    )
    ssrf_allowed_ports: frozenset[Annotated[int, Field(ge=1, le=65535)]] | None = Field(
        None,
        description="Ports of other hosts to which the hub connects, a JSON list; default: 80 and "
        "443.",
    )
    connector_timeout_seconds: float = Field(
        10,
        gt=0,
        le=60,
        description="Timeout of calls to external systems in seconds, retries included.",
    )
    source_poll_seconds: int = Field(
        1800,
        ge=0,
        le=86_400,
        description="Seconds between two polls of a website or a source of statistics; 0: no "
        "polling.",
    )
    source_secrets: dict[str, SecretStr] | None = Field(
        None,
        description="Secrets of sources of statistics, a JSON object of source and header value.",
    )
    oss_url: AnyHttpUrl | None = Field(
        None, description="URL of the OSS RBA partner interface; default: not connected."
    )
    oss_user_key: SecretStr | None = Field(
        None, description="Value of the header `user_key` in requests to OSS."
    )
    oss_username: str | None = Field(
        None, description="User name from which OSS computes the `Token` of its messages."
    )
    oss_password: SecretStr | None = Field(None, description="Password for it.")
    oss_senders: str | None = Field(
        None,
        description="Addresses or networks from which messages of OSS are accepted, separated by "
        "spaces; required with the password.",
    )
    oss_agency: str = Field(
        "dpmptsp", description="Agency (slug) whose keys may submit licences to OSS."
    )
    backup_warning_hours: int = Field(
        48,
        ge=0,
        le=87_600,
        description="Age of the newest backup by `emall backup`, in hours, from which health "
        "warns; 0: never.",
    )
    disk_warning_percent: float = Field(
        90,
        gt=0,
        le=100,
        description="Share of a disk with the hub's data, in per cent, from which health warns; "
        "an error from 98.",
    )
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port of the metrics (Prometheus), the first one of several workers; default: "
        "no metrics.",
    )
    metrics_host: str = Field(
        "127.0.0.1", description="Address on which the metrics are served, without a key."
    )
    log_level: LogLevel = Field("INFO", description="Lowest level that is logged.")
    log_format: LogFormat = Field(
        "console",
        description="`console`: lines for people; `json`: one JSON object per line.",
    )

    @field_validator("trusted_proxies", "oss_senders")
    @classmethod
    def _are_networks(cls, text: str | None) -> str | None:
        Networks(text or "")
        return text

    @model_validator(mode="after")
    def _have_senders_with_the_password(self) -> Self:
        if self.oss_password is not None and not Networks(self.oss_senders or ""):
            raise ValueError(
                "EMALL_OSS_PASSWORD needs EMALL_OSS_SENDERS, the addresses from which OSS sends."
            )
        return self

    @model_validator(mode="after")
    def _have_a_whole_provider(self) -> Self:
        given = (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret)
        if any(given) and not all(given):
            raise ValueError(
                "EMALL_OIDC_ISSUER, EMALL_OIDC_CLIENT_ID and EMALL_OIDC_CLIENT_SECRET are given "
                "together, or none of them."
            )
        return self

    @model_validator(mode="after")
    def _have_a_whole_mail_server(self) -> Self:
        if self.smtp_host is not None and (self.smtp_from is None or self.public_url is None):
            raise ValueError("EMALL_SMTP_HOST needs EMALL_SMTP_FROM and EMALL_PUBLIC_URL.")
        if self.mail_hours_begin >= self.mail_hours_end:
            raise ValueError("EMALL_MAIL_HOURS_END must be later than EMALL_MAIL_HOURS_BEGIN.")
        if (self.smtp_user is None) != (self.smtp_password is None):
            raise ValueError("EMALL_SMTP_USER and EMALL_SMTP_PASSWORD are given together.")
        if (
            self.smtp_password is not None
            and self.smtp_tls is SmtpTls.none
            and self.smtp_host not in LOOPBACK
        ):
            raise ValueError(
                "EMALL_SMTP_TLS=none would send EMALL_SMTP_PASSWORD unencrypted; use starttls or "
                "tls."
            )
        return self

    @field_validator(
        "database_url",
        "database_direct_url",
        "database_read_url",
        "gateway_database_url",
        "catalog_database_url",
        "feedback_database_url",
        "assessment_database_url",
    )
    @classmethod
    def _check_database_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            parse_database_address(url.get_secret_value())
        return url

    @field_validator("catalog_url", "feedback_url", "assessment_url")
    @classmethod
    def _are_service_urls(cls, text: str | None) -> str | None:
        if text is None:
            return None
        urls = [HTTP_URL.validate_python(url) for url in text.split()]
        if not urls:
            raise ValueError("Give at least one URL, or leave the setting out.")
        if len(urls) > 1 and any(url.path not in {None, "", "/"} for url in urls):
            raise ValueError("Give URLs of several processes without a path.")
        return " ".join(str(url).rstrip("/") for url in urls)

    def service_urls(self, service: Service) -> list[str]:
        """Return the URL of each process of a service; none if it runs in this one."""
        text: str | None = getattr(self, f"{service.value}_url", None)
        return [] if text is None else text.split()

    def service_url(self, service: Service) -> str | None:
        """Return the URL of a service in another process, the first one if there are several.

        None: the service runs in this process.
        """
        return next(iter(self.service_urls(service)), None)

    def service_database_url(self, service: SchemaOwner) -> str | None:
        """Return the database URL with the service's own login, if one is set."""
        url: SecretStr | None = getattr(self, f"{service.value}_database_url", None)
        return url.get_secret_value() if url else None

    @property
    def public_address(self) -> str | None:
        """`public_url` as the beginning of an address, without a slash at its end."""
        return None if self.public_url is None else str(self.public_url).rstrip("/")

    @property
    def private_key_file(self) -> Path:
        return self.identity_private_key_file or self.data_dir / "identity" / "private.pem"

    @property
    def secrets_key_file(self) -> Path:
        return self.secrets_private_key_file or self.data_dir / "secrets" / "key.pem"

    @property
    def publishing_key_file(self) -> Path:
        return self.publishing_private_key_file or self.data_dir / "publishing" / "key.pem"

    @property
    def comments_key_file(self) -> Path:
        return self.comments_private_key_file or self.data_dir / "comments" / "key.pem"

    @property
    def public_key_file(self) -> Path:
        return self.identity_public_key_file or self.data_dir / "identity" / "public.pem"


@cache
def load_settings() -> Settings:
    """Return the settings of this process, read once: its environment, then files of secrets.

    A file has the name of its setting (`emall_database_url`) and lies in the folder of systemd's
    credentials or in that where containers get secrets.
    """
    return Settings(_secrets_dir=secret_folders() or None)  # pyright: ignore[reportCallIssue]


def secret_folders() -> list[str]:
    """Return the folders of secrets that exist on this machine."""
    folders = [os.environ.get("CREDENTIALS_DIRECTORY"), CONTAINER_SECRETS]
    return [folder for folder in folders if folder and Path(folder).is_dir()]
