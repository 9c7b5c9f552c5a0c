"""The keys of an installation, and whether they are those with which its data was written.

The fingerprint of each key stands in the schema of every service that uses it, recorded when the
key is first used. A key that differs from it, or is missing although it is recorded, is neither
used nor made anew: what the old key encrypted, signed or derived would be lost without a word.
`emall keys accept` records another one.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.platform.database import Database, ReadSession, WriteSession, is_read_only
from services.platform.identity import (
    ensure_identity_keys,
    ensure_private_key,
    load_private_key,
    load_public_key,
)
from services.platform.logging import Outage, get_logger
from services.platform.problems import Unavailable
from services.platform.settings import KeyName, Service, Settings

log = get_logger(__name__)


KEYS_OF: dict[Service, tuple[KeyName, ...]] = {
    Service.gateway: (KeyName.identity, KeyName.secrets),
    Service.catalog: (KeyName.identity,),
    Service.feedback: (KeyName.identity, KeyName.comments),
    Service.assessment: (KeyName.identity, KeyName.publishing),
}
"""The keys that each service uses; of the identity only the gateway has the private one."""

LOST_WITHOUT: dict[KeyName, str] = {
    KeyName.identity: "nothing is lost, but every process must get the new pair",
    KeyName.secrets: "upload links and the secrets of webhooks must be issued anew, and "
    "people need new links to sign in",
    KeyName.publishing: "bundles are signed by a key that nobody knows yet",
    KeyName.comments: "contacts of comments can no longer be read, and links in invitations to "
    "surveys no longer work",
}
"""What accepting another key in its place costs."""

_RECORDED = "SELECT key_name, fingerprint FROM {schema}.key_fingerprint WHERE region = :region"

_IS_MIGRATED = "SELECT to_regclass(:name) IS NOT NULL"

_RECORD = """
INSERT INTO {schema}.key_fingerprint (region, key_name, fingerprint, accepted_at)
VALUES (:region, :key_name, :fingerprint, :now)
ON CONFLICT (region, key_name) {conflict}
"""


@dataclass(frozen=True)
class KeyMismatch:
    """A key that is not the one with which the data was written."""

    name: KeyName
    file: Path
    recorded: str
    """Fingerprint of the key that the data needs."""
    fault: str
    """What is wrong with the file, as in `does not exist`."""

    def __str__(self) -> str:
        return (
            f"the {self.name} key is not the one of this database: {self.file} {self.fault}, and "
            f"the data was written with the key {self.recorded[:16]}. Put that key there (from a "
            "backup: `emall restore`), or go on with another one by `emall keys accept "
            f"{self.name}`; then {LOST_WITHOUT[self.name]}"
        )


class KeyMismatchError(RuntimeError):
    """A service does not have the keys that its data needs."""

    def __init__(self, mismatches: list[KeyMismatch]) -> None:
        super().__init__("; ".join(str(each) for each in mismatches))
        self.mismatches = mismatches


def key_file(settings: Settings, name: KeyName, service: Service = Service.gateway) -> Path:
    """Return the file of a key as a service reads it: of the identity, most the public one."""
    if name is KeyName.identity:
        own = service is Service.gateway
        return settings.private_key_file if own else settings.public_key_file
    files = {
        KeyName.secrets: settings.secrets_key_file,
        KeyName.publishing: settings.publishing_key_file,
        KeyName.comments: settings.comments_key_file,
    }
    return files[name]


def fingerprint_of(file: Path) -> str:
    """Return the SHA-256 of the raw public key, equal for both halves of a pair.

    Raises:
        OSError: The file cannot be read.
        ValueError: It contains no Ed25519 key.
    """
    try:
        if b"PRIVATE KEY" in file.read_bytes():
            key = load_private_key(file).public_key()
        else:
            key = load_public_key(file)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(str(error)) from None
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()


def create_missing_key(settings: Settings, name: KeyName) -> None:
    """Create a key if its file is missing, whatever the database says.

    Before there was a key for secrets, they were derived from the private key of the identity:
    where that exists, a copy of it keeps upload links and secrets of webhooks valid.
    """
    match name:
        case KeyName.identity:
            if not settings.private_key_file.exists():
                ensure_private_key(settings.secrets_key_file)
            ensure_identity_keys(settings.private_key_file, settings.public_key_file)
        case KeyName.secrets:
            ensure_private_key(settings.secrets_key_file, copy_of=settings.private_key_file)
        case KeyName.publishing | KeyName.comments:
            ensure_private_key(key_file(settings, name))


async def find_mismatches(
    session: ReadSession | WriteSession, settings: Settings, service: Service
) -> list[KeyMismatch]:
    """Return the keys of a service that are not those of the database; none if all match.

    A key that is not recorded yet matches, and so does every one in a database that is not
    migrated.
    """
    recorded = await read_fingerprints(session, settings.region, service) or {}
    return await asyncio.to_thread(_compare, settings, service, recorded)


def _compare(
    settings: Settings, service: Service, recorded: dict[KeyName, str]
) -> list[KeyMismatch]:
    mismatches: list[KeyMismatch] = []
    for name in KEYS_OF[service]:
        if name not in recorded:
            continue
        file = key_file(settings, name, service)
        try:
            found = fingerprint_of(file)
        except FileNotFoundError:
            fault = "does not exist"
        except (OSError, ValueError) as error:
            fault = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        else:
            if found == recorded[name]:
                continue
            fault = f"has the fingerprint {found[:16]}"
        mismatches.append(KeyMismatch(name, file, recorded[name], fault))
    return mismatches


async def read_fingerprints(
    session: ReadSession | WriteSession, region: str, service: Service
) -> dict[KeyName, str] | None:
    """Return the recorded fingerprints of a service's keys; None if there is no table for them."""
    table = {"name": f"{service.value}.key_fingerprint"}
    if not await session.scalar(text(_IS_MIGRATED), table):
        return None
    statement = text(_RECORDED.format(schema=service.value))
    found = await session.execute(statement, {"region": region})
    return {KeyName(row.key_name): row.fingerprint for row in found}


async def record_fingerprint(
    session: WriteSession,
    region: str,
    service: Service,
    name: KeyName,
    fingerprint: str,
    *,
    now: datetime,
    replace: bool = False,
) -> None:
    """Record a key in a service's schema; one that is recorded stays, unless told otherwise."""
    change = "DO UPDATE SET fingerprint = excluded.fingerprint, accepted_at = excluded.accepted_at"
    statement = _RECORD.format(schema=service.value, conflict=change if replace else "DO NOTHING")
    await session.execute(
        text(statement),
        {"region": region, "key_name": name, "fingerprint": fingerprint, "now": now},
    )


async def settle_keys(
    database: Database, settings: Settings, service: Service, *, now: datetime
) -> None:
    """Check a service's keys; create and record those that were never used.

    Raises:
        KeyMismatchError: A key is missing or another one than the data was written with.
        OSError: A key that was never used cannot be created.
    """
    async with database.read_session() as session:
        recorded = await read_fingerprints(session, settings.region, service)
    wanted = KEYS_OF[service]
    if mismatches := await asyncio.to_thread(_compare, settings, service, recorded or {}):
        raise KeyMismatchError(mismatches)
    unused = [name for name in wanted if name not in (recorded or {})]
    fingerprints = await asyncio.to_thread(_create_and_read, settings, service, unused)
    if recorded is None or not fingerprints:
        return
    async with database.write_session() as session:
        for name, fingerprint in fingerprints.items():
            await record_fingerprint(session, settings.region, service, name, fingerprint, now=now)
        # Another process may have recorded another key just now.
        mismatches = await find_mismatches(session, settings, service)
    if mismatches:
        raise KeyMismatchError(mismatches)


def _create_and_read(
    settings: Settings, service: Service, names: list[KeyName]
) -> dict[KeyName, str]:
    """Create the keys that are missing; return the fingerprints of those that exist now.

    A service in a process of its own may wait for the public key that the gateway's operator puts
    there.
    """
    found: dict[KeyName, str] = {}
    public_only = service is not Service.gateway and settings.identity_public_key_file is not None
    for name in names:
        file = key_file(settings, name, service)
        if not (name is KeyName.identity and public_only):
            create_missing_key(settings, name)
        elif not file.exists():
            continue
        found[name] = fingerprint_of(file)
    return found


class ServiceKeys:
    """The private keys of one service, checked before they are first used."""

    def __init__(self, database: Database, settings: Settings, service: Service) -> None:
        self._database = database
        self._settings = settings
        self._service = service
        self._keys: dict[KeyName, Ed25519PrivateKey] = {}
        self._outage = Outage(log.bind(service=service.value), "keys", level="error")

    async def get(self, name: KeyName) -> Ed25519PrivateKey:
        """Return a key; raise `Unavailable` if it is not the one that the data needs.

        A database that takes no writes now gets the record of a new key at its next use.
        """
        if name not in self._keys:
            file = key_file(self._settings, name)
            try:
                now = datetime.now(UTC)
                await settle_keys(self._database, self._settings, self._service, now=now)
                self._keys[name] = await asyncio.to_thread(load_private_key, file)
            except DBAPIError as error:
                if not is_read_only(error):
                    raise
                return await asyncio.to_thread(load_private_key, file)
            except (KeyMismatchError, ValueError, TypeError) as error:
                self._outage.failed(error)
                raise Unavailable(
                    "This service lacks the key that its data needs; its log says which."
                ) from None
            self._outage.succeeded()
        return self._keys[name]
