"""What an archive holds of the database beside the dump: versions, keys, pack, rights of roles."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from cryptography.hazmat.primitives import serialization
from sqlalchemy import Connection, text

from services.cli.backups.errors import BackupError
from services.cli.backups.manifest import DefaultRight, Right
from services.platform.installation_keys import (
    KeyMismatch,
    fingerprint_of,
    key_file,
)
from services.platform.migrations import alembic_config
from services.platform.settings import KeyName, Service, Settings

FIRST_KEY = "first-key.txt"

_REVISIONS = "SELECT version_num FROM public.alembic_version ORDER BY 1"

_FINGERPRINTS = "SELECT key_name, fingerprint FROM {schema}.key_fingerprint WHERE region = :region"

_PACK = "SELECT name, archive FROM gateway.loaded_pack WHERE region = :region"

_OBJECTS = """
-- Objects of the services whose rights are not PostgreSQL's defaults, with these rights.
SELECT o.object, r.rolname AS role, a.grantee = 0 AS is_public, a.privilege_type AS privilege
FROM (
    SELECT 'SCHEMA ' || quote_ident(n.nspname) AS object, n.nspacl AS acl, n.nspowner AS owner
    FROM pg_namespace n WHERE n.nspname = ANY (:schemas)
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END
           || quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relacl, c.relowner
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (:schemas) AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
    UNION ALL
    SELECT 'ROUTINE ' || quote_ident(n.nspname) || '.' || quote_ident(p.proname)
           || '(' || pg_get_function_identity_arguments(p.oid) || ')', p.proacl, p.proowner
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY (:schemas)
) o
LEFT JOIN LATERAL aclexplode(o.acl) a ON a.grantee <> o.owner
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE o.acl IS NOT NULL
ORDER BY 1, 2, 4
"""

_DEFAULTS = """
-- Rights on objects that the owner makes later.
SELECT n.nspname AS schema_name, r.rolname AS role, a.privilege_type AS privilege,
       CASE d.defaclobjtype WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                            ELSE 'TABLES' END AS objects
FROM pg_default_acl d
JOIN pg_namespace n ON n.oid = d.defaclnamespace
JOIN LATERAL aclexplode(d.defaclacl) a ON a.grantee <> d.defaclrole
JOIN pg_roles r ON r.oid = a.grantee
WHERE n.nspname = ANY (:schemas) ORDER BY 1, 2, 3
"""

SCHEMAS = [service.value for service in Service]


@dataclass(frozen=True)
class DatabaseState:
    """What the manifest and the archive need to know of the database, of one moment."""

    server_major: int
    revisions: list[str]
    fingerprints: dict[KeyName, str]
    pack: tuple[str, bytes] | None
    objects: list[str]
    rights: list[Right]
    default_rights: list[DefaultRight]


def newest_revisions() -> list[str]:
    """Return the newest revision of each service that this program knows."""
    return sorted(ScriptDirectory.from_config(alembic_config()).get_heads())


def unknown_revisions(revisions: list[str]) -> set[str]:
    """Return those of these revisions that this program does not know."""
    known = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    return set(revisions) - {script.revision for script in known}


def server_major(connection: Connection) -> int:
    """Return the major version of the server."""
    number = connection.scalar(text("SELECT current_setting('server_version_num')::int"))
    return int(number or 0) // 10_000


def read_state(connection: Connection, region: str) -> DatabaseState:
    """Read it in the connection's transaction.

    Raises:
        BackupError: The database is not migrated to the revision of this program.
    """
    is_hub = "SELECT to_regclass('public.alembic_version') IS NOT NULL"
    if not connection.scalar(text(is_hub)):
        raise BackupError("the database holds no hub; `emall migrate` or `emall run` makes one")
    revisions = [str(revision) for revision in connection.scalars(text(_REVISIONS))]
    if revisions != newest_revisions():
        raise BackupError(
            "the database has another revision than this program; back it up with the version of "
            "emall that runs it, or run `emall migrate` first"
        )
    fingerprints: dict[KeyName, str] = {}
    for schema in SCHEMAS:
        rows = connection.execute(text(_FINGERPRINTS.format(schema=schema)), {"region": region})
        fingerprints |= {KeyName(row.key_name): row.fingerprint for row in rows}
    pack = connection.execute(text(_PACK), {"region": region}).one_or_none()
    objects, rights, defaults = _read_rights(connection)
    return DatabaseState(
        server_major(connection),
        revisions,
        fingerprints,
        None if pack is None else (pack.name, bytes(pack.archive)),
        objects,
        rights,
        defaults,
    )


def _read_rights(connection: Connection) -> tuple[list[str], list[Right], list[DefaultRight]]:
    """Return objects, rights and default rights; those of other accounts are left out."""
    parameters = {"schemas": SCHEMAS}
    objects: dict[str, None] = {}
    rights: list[Right] = []
    for row in connection.execute(text(_OBJECTS), parameters):
        objects[row.object] = None
        role = "public" if row.is_public else _service_of(row.role)
        if role is not None:
            rights.append(Right(object=row.object, privilege=row.privilege, role=role))
    defaults: list[DefaultRight] = []
    for row in connection.execute(text(_DEFAULTS), parameters):
        role = _service_of(row.role)
        if role is not None:
            defaults.append(
                DefaultRight(
                    schema_name=row.schema_name,
                    objects=row.objects,
                    privilege=row.privilege,
                    role=role,
                )
            )
    return list(objects), rights, defaults


def _service_of(role: Any) -> Service | None:
    """Return the service whose role is named so; None for other accounts."""
    ending = str(role).rpartition("_")[2]
    return Service(ending) if ending in SCHEMAS else None


def read_keys(
    settings: Settings, recorded: dict[KeyName, str], excluded: set[KeyName]
) -> tuple[dict[str, bytes], dict[KeyName, str]]:
    """Return the keys' files by their names in the archive, and the keys' fingerprints.

    Raises:
        BackupError: A key that the database needs is missing here, or is another one.
    """
    files: dict[str, bytes] = {}
    found: dict[KeyName, str] = {}
    for name in KeyName:
        file = key_file(settings, name)
        if name in excluded or not (name in recorded or file.exists()):
            continue
        try:
            fingerprint = fingerprint_of(file)
        except (OSError, ValueError) as error:
            raise BackupError(
                f"the {name} key cannot be read from {file} "
                f"({getattr(error, 'strerror', None) or error}); run this where it is, or back it "
                f"up by other means and pass --without-key {name}"
            ) from None
        if recorded.get(name, fingerprint) != fingerprint:
            fault = f"has the fingerprint {fingerprint[:16]}"
            raise BackupError(str(KeyMismatch(name, file, recorded[name], fault)))
        found[name] = fingerprint
        files[member_of(name)] = file.read_bytes()
    first_key = settings.data_dir / FIRST_KEY
    if first_key.exists():
        files[FIRST_KEY] = first_key.read_bytes()
    return files, found


def public_half(pem: bytes) -> bytes:
    """Return the public key of a private one."""
    key = serialization.load_pem_private_key(pem, password=None).public_key()
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def member_of(name: KeyName) -> str:
    """Return the name of a key's file in the archive."""
    return f"keys/{name}.pem"


def key_targets(settings: Settings, files: dict[str, bytes]) -> dict[Path, bytes]:
    """Return where the keys in an archive belong in this installation."""
    targets = {
        key_file(settings, name): files[member_of(name)]
        for name in KeyName
        if member_of(name) in files
    }
    if (identity := files.get(member_of(KeyName.identity))) is not None:
        targets[settings.public_key_file] = public_half(identity)
    if FIRST_KEY in files:
        targets[settings.data_dir / FIRST_KEY] = files[FIRST_KEY]
    return targets
