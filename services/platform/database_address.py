"""Addresses of PostgreSQL: one reader of URLs for every connection that the hub opens.

Reads the URLs of libpq (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING)
with what the URL leaves out from libpq's environment variables (`PGSSLMODE` and so on).
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

DEFAULT_PORT = 5432
SOCKET_FOLDERS = ("/var/run/postgresql", "/tmp")  # noqa: S108 - where libpq looks for sockets
SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg")
TLS_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
SESSION_ATTRIBUTES = ("any", "primary", "standby", "prefer-standby", "read-write", "read-only")
TLS_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
TLS_TEXTS = ("sslpassword", "ssl_min_protocol_version", "ssl_max_protocol_version")
PARAMETERS = (
    *("host", "port", "user", "password", "dbname", "passfile"),
    *("sslmode", "ssl", *TLS_FILES, *TLS_TEXTS),
    *("target_session_attrs", "connect_timeout", "options"),
)
"""The query parameters that are read; any other is an error."""

VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "passfile": "PGPASSFILE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "options": "PGOPTIONS",
}
"""The environment variables with which libpq fills in a parameter."""

_BROKEN_ENCODING = re.compile(r"%(?![0-9A-Fa-f]{2})")


class DatabaseAddressError(ValueError):
    """A database address that cannot be read; the message names the part and holds no secret."""


@dataclass(frozen=True)
class Host:
    """A server: a name or address, or the folder of a Unix socket, and a port."""

    name: str
    port: int = DEFAULT_PORT

    @property
    def is_socket(self) -> bool:
        """Whether it is a folder with a Unix socket."""
        return self.name.startswith("/")

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a database is and how to log in."""

    hosts: tuple[Host, ...]
    """Tried one after the other until one has the `session_attributes`."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: str | None = None
    passfile: str | None = None
    tls_mode: str = "prefer"
    tls_parameters: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    session_attributes: str = "any"
    """`target_session_attrs`; by default `read-write` with several hosts."""
    connect_timeout: float | None = None
    """Seconds for each host; None: as the hub is set."""
    options: str | None = None
    """Command-line options of the session (`-c name=value`)."""

    def completed_by(self, other: "DatabaseAddress") -> "DatabaseAddress":
        """Return this address with user, password and database of another where it has none."""
        return replace(
            self,
            user=self.user or other.user,
            password=other.password if self.user is None else self.password,
            database=self.database or other.database,
        )

    def arguments_for(self, host: Host) -> dict[str, Any]:
        """Return the arguments of `asyncpg.connect` for one of the hosts."""
        parameters = dict(self.tls_parameters)
        return {
            # asyncpg takes the files of TLS only from a URL.
            "dsn": f"postgresql:///?{urlencode(parameters)}" if parameters else None,
            "host": host.name,
            "port": host.port,
            "user": self.user,
            "password": self.password,
            "database": self.database,
            "passfile": self.passfile,
            "ssl": "disable" if host.is_socket else self.tls_mode,
            "target_session_attrs": self.session_attributes,
        }


def parse_database_address(
    url: str, environment: Mapping[str, str] | None = None
) -> DatabaseAddress:
    """Read a URL `postgresql://user:password@host:port/database?parameter=value`.

    Several hosts are separated by commas, each with its port; a Unix socket is `host=/folder`.
    `ssl` is read as `sslmode` (`true`: `require`, `false`: `disable`). `environment` is by
    default that of the process.

    Raises:
        DatabaseAddressError: With the part that is wrong and what would be right.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in SCHEMES:
        raise DatabaseAddressError("the address must begin with postgresql://")
    authority = re.split("[/?]", rest, maxsplit=1)[0]
    path_and_query = rest[len(authority) :].removeprefix("/")
    path, _, query = path_and_query.partition("?")
    if "@" in path_and_query or "#" in rest or authority.count("@") > 1:
        # No part is quoted, for it may belong to the password.
        raise DatabaseAddressError(
            "a part of the address contains one of / ? # @ as it is; in user, password and "
            "parameters write %2F, %3F, %23, %40"
        )
    login, has_login, places = authority.rpartition("@")
    user, _, password = login.partition(":")
    given = _read_query(query)
    named = {
        "user": _decode(user, "the user") if has_login else "",
        "password": _decode(password, "the password"),
        "dbname": _decode(path, "the database"),
        "host": _decode(places, "the host"),
    }
    for name, value in named.items():
        if value and name in given:
            raise DatabaseAddressError(f"the parameter {name} repeats what the address has before")
        if value:
            given[name] = value
    return _build(_Parameters(given, os.environ if environment is None else environment))


@dataclass(frozen=True)
class _Parameters:
    """Parameters of a URL, filled in from the environment."""

    given: Mapping[str, str]
    environment: Mapping[str, str]

    def get(self, name: str) -> str | None:
        value = self.given.get(name) or self.environment.get(VARIABLES.get(name, ""))
        return value or None

    def where(self, name: str) -> str:
        """Return what an error calls the parameter."""
        return f"the parameter {name}" if name in self.given else f"the variable {VARIABLES[name]}"

    def one_of(self, name: str, values: tuple[str, ...], default: str) -> str:
        value = self.get(name) or default
        if value not in values:
            raise DatabaseAddressError(f"{self.where(name)} must be one of {', '.join(values)}")
        return value


def _build(parameters: _Parameters) -> DatabaseAddress:
    hosts = _read_hosts(parameters)
    timeout = parameters.get("connect_timeout")
    if timeout is not None and not (timeout.isascii() and timeout.isdigit()):
        raise DatabaseAddressError(
            f"{parameters.where('connect_timeout')} must be a number of seconds"
        )
    tls_parameters: list[tuple[str, str]] = []
    for name in (*TLS_FILES, *TLS_TEXTS):
        value = parameters.get(name)
        if value is None:
            continue
        if name in TLS_FILES and not os.access(value, os.R_OK):
            raise DatabaseAddressError(
                f"{parameters.where(name)} must be a file that can be read; {Path(value)} is none"
            )
        tls_parameters.append((name, value))
    return DatabaseAddress(
        hosts=hosts,
        user=parameters.get("user"),
        password=parameters.get("password"),
        database=parameters.get("dbname"),
        passfile=parameters.get("passfile"),
        tls_mode=parameters.one_of("sslmode", TLS_MODES, "prefer"),
        tls_parameters=tuple(tls_parameters),
        session_attributes=parameters.one_of(
            "target_session_attrs", SESSION_ATTRIBUTES, "any" if len(hosts) == 1 else "read-write"
        ),
        connect_timeout=float(timeout) if timeout and int(timeout) else None,
        options=parameters.get("options"),
    )


def _read_query(query: str) -> dict[str, str]:
    """Return the decoded parameters; several `host` are joined, as one list."""
    given: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, separator, encoded = part.partition("=")
        name = {"database": "dbname"}.get(name, name)
        if name not in PARAMETERS or not separator:
            raise DatabaseAddressError(
                f"the address has the unknown parameter {name[:40]!r}; known are "
                f"{', '.join(PARAMETERS)}"
            )
        value = _decode(encoded, f"the parameter {name}")
        if name == "ssl":
            name, value = "sslmode", {"true": "require", "false": "disable"}.get(value, value)
        if name in given and name != "host":
            raise DatabaseAddressError(f"the address has the parameter {name} twice")
        given[name] = f"{given[name]},{value}" if name in given else value
    return given


def _read_hosts(parameters: _Parameters) -> tuple[Host, ...]:
    names = parameters.get("host")
    ports = [_read_port(port, parameters.where("port")) for port in _listed(parameters, "port")]
    if names is None:
        names = ",".join([folder for folder in SOCKET_FOLDERS if Path(folder).is_dir()][:1])
        names = names or "localhost"
    places = [_read_host(place) for place in names.split(",")]
    if len(ports) > 1 and len(ports) != len(places):
        raise DatabaseAddressError(
            f"{parameters.where('port')} must have one port, or one for each host"
        )
    each = ports * len(places) if len(ports) == 1 else ports or [DEFAULT_PORT] * len(places)
    return tuple(
        Host(name, default if port is None else port)
        for (name, port), default in zip(places, each, strict=True)
    )


def _listed(parameters: _Parameters, name: str) -> list[str]:
    value = parameters.get(name)
    return value.split(",") if value else []


def _read_host(place: str) -> tuple[str, int | None]:
    if place.startswith("/"):
        return place, None
    if place.startswith("["):
        name, closed, rest = place[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise DatabaseAddressError("the host has a bracket too many or too few: [::1]:5432")
        port = rest[1:]
    else:
        name, _, port = place.partition(":")
    if not name:
        raise DatabaseAddressError("the address has an empty host")
    return name, _read_port(port, "the port of a host") if port else None


def _read_port(port: str, where: str) -> int:
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise DatabaseAddressError(f"{where} must be a number from 1 to 65535")
    return int(port)


def _decode(text: str, where: str) -> str:
    """Decode percent-encoding; `+` stays, as in libpq."""
    if _BROKEN_ENCODING.search(text):
        raise DatabaseAddressError(f"{where} has a % that is not followed by two digits: write %25")
    try:
        value = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise DatabaseAddressError(f"{where} is not UTF-8") from None
    if "\0" in value:
        raise DatabaseAddressError(f"{where} contains a zero byte")
    return value
