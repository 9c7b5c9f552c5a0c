"""The database roles of one installation: one per service, named by a prefix of their own.

Roles belong to the whole PostgreSQL server, so that two installations on it need two prefixes.
Which roles a database uses is read from the rights on its schemas, where it cannot differ from
what they may do; which other databases use a role, from `pg_shdepend`, which all databases share.
"""

import re
from collections.abc import Collection

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from services.platform.logging import get_logger
from services.platform.settings import SchemaOwner, Service

DEFAULT_PREFIX = "emall"

LONGEST_PREFIX = 50
"""PostgreSQL cuts names after 63 bytes; `_assessment` needs 11."""

_ROLE_OF_SCHEMA = """
FROM pg_namespace n, aclexplode(n.nspacl) a, pg_roles r
WHERE r.oid = a.grantee AND right(r.rolname, length(n.nspname) + 1) = '_' || n.nspname
  AND EXISTS (SELECT FROM pg_class c, aclexplode(c.relacl) t
              WHERE c.relnamespace = n.oid AND t.grantee = r.oid AND t.privilege_type = 'INSERT')
"""
"""A service's role: it is named so, and can write. An account for reading may be named so too."""

ROLE_OF_SERVICE = f"SELECT min(r.rolname) {_ROLE_OF_SCHEMA} AND n.nspname = $1"
"""The role of a service, null in a database that is not migrated; for asyncpg."""

_RECORDED = f"""
SELECT left(min(r.rolname), -1 - length(n.nspname)) AS prefix
{_ROLE_OF_SCHEMA} AND n.nspname = ANY (:schemas)
GROUP BY n.nspname ORDER BY n.nspname LIMIT 1
"""

OTHER_DATABASES = """
SELECT DISTINCT d.datname FROM pg_shdepend s
JOIN pg_roles r ON s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid
JOIN pg_database d ON d.oid = CASE WHEN s.classid = 'pg_database'::regclass THEN s.objid
                                   ELSE s.dbid END
WHERE r.rolname = ANY (:roles) AND d.datname <> current_database() ORDER BY 1 LIMIT 3
"""
"""Other databases of the server in which one of some roles has rights."""

_RIGHTS = """
SELECT statement FROM (
    SELECT format('ON %s %s', kind, name) AS object, '' AS opening, acl FROM (
        SELECT 'SCHEMA' AS kind, quote_ident(nspname) AS name, nspacl AS acl FROM pg_namespace
        UNION ALL
        SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, oid::regclass::text, relacl
        FROM pg_class
        UNION ALL
        SELECT 'ROUTINE', oid::regprocedure::text, proacl FROM pg_proc
        UNION ALL
        SELECT 'DATABASE', quote_ident(datname), datacl FROM pg_database
        WHERE datname = current_database()
    ) one
    UNION ALL
    SELECT 'ON ' || CASE defaclobjtype WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                    ELSE 'TABLES' END,
           format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %s ', defaclrole::regrole::text,
                  defaclnamespace::regnamespace), defaclacl
    FROM pg_default_acl WHERE defaclnamespace <> 0
) held, aclexplode(acl) a, pg_roles r, unnest(ARRAY[
    format('%sGRANT %s %s TO %I', opening, a.privilege_type, object, CAST(:new AS text)),
    format('%sREVOKE %s %s FROM %I', opening, a.privilege_type, object, r.rolname)]) statement
WHERE r.oid = a.grantee AND r.rolname = :old
"""
"""Statements that give a new role every right in this database that an old one has."""

_EXISTS = ("42710", "23505")
"""SQLSTATEs of a role that exists, also if it was made in a concurrent transaction."""

log = get_logger(__name__)


class RolesError(ValueError):
    """The roles are not as an installation needs them; the message says what to do."""


ALL_SERVICES: tuple[SchemaOwner, ...] = tuple(Service)


def role_name(prefix: str, service: SchemaOwner) -> str:
    """Return the name of a service's role."""
    return f"{prefix}_{service.value}"


def role_names(prefix: str, owners: Collection[SchemaOwner] = ALL_SERVICES) -> list[str]:
    """Return the names of the roles of all services, or of these owners of schemas."""
    return [role_name(prefix, owner) for owner in owners]


def prepare_roles(
    connection: Connection,
    wanted: str | None,
    *,
    with_login: Collection[SchemaOwner],
    owners: Collection[SchemaOwner] = ALL_SERVICES,
) -> str:
    """Find or make the roles of this database's installation; return their prefix.

    With another prefix than before the new roles get the rights of the old ones.
    """
    recorded = _recorded_prefix(connection, owners)
    prefix, _ = plan_roles(connection, wanted, with_login=with_login, owners=owners)
    if recorded is not None and recorded != prefix:
        for service in owners:
            roles = {"old": role_name(recorded, service), "new": role_name(prefix, service)}
            for statement in connection.scalars(text(_RIGHTS), roles).all():
                connection.exec_driver_sql(statement)
    return prefix


def _recorded_prefix(connection: Connection, owners: Collection[SchemaOwner]) -> str | None:
    return connection.scalar(text(_RECORDED), {"schemas": [owner.value for owner in owners]})


def plan_roles(
    connection: Connection,
    wanted: str | None,
    *,
    with_login: Collection[SchemaOwner],
    owners: Collection[SchemaOwner] = ALL_SERVICES,
) -> tuple[str, list[str]]:
    """Make the roles that are missing; return their prefix and the statements that made them.

    Without a wanted prefix a migrated database keeps its own; a new one gets `emall`, or with
    another installation on the server `emall_` and the database's name. The roles of services
    `with_login` are not those that the owner switches to.
    """
    recorded = _recorded_prefix(connection, owners)
    prefix = wanted or recorded
    if prefix is None:
        prefix = DEFAULT_PREFIX
        if other_databases(connection, *role_names(prefix, owners)):
            database = str(connection.scalar(text("SELECT current_database()")))
            name = re.sub(r"[^a-z0-9]+", "_", database.lower()).strip("_")
            prefix = f"{DEFAULT_PREFIX}_{name}"[:LONGEST_PREFIX]
    others = other_databases(connection, *role_names(prefix, owners))
    if others and prefix != recorded:
        raise RolesError(
            f"the roles {prefix}_... belong to another hub on this server (database "
            f"{', '.join(others)}); set EMALL_ROLE_PREFIX to a prefix of this hub's own"
        )
    if others:
        log.warning("roles are shared with other databases of the server", databases=others)
    return prefix, _ensure_roles(connection, prefix, with_login, owners)


def other_databases(connection: Connection, *roles: str) -> list[str]:
    """Return other databases of the server in which one of the roles has rights, at most three."""
    return list(connection.scalars(text(OTHER_DATABASES), {"roles": list(roles)}))


def _ensure_roles(
    connection: Connection,
    prefix: str,
    with_login: Collection[SchemaOwner],
    owners: Collection[SchemaOwner],
) -> list[str]:
    """Make the roles that are missing, and let the owner switch to those without a login."""
    version = connection.scalar(text("SELECT current_setting('server_version_num')::int")) or 0
    membership = "SET" if version >= 160_000 else "MEMBER"
    owner = connection.scalar(text("SELECT quote_ident(current_user)"))
    statements: list[str] = []
    for service in owners:
        role = role_name(prefix, service)
        member = connection.execute(
            text("SELECT pg_has_role(oid, :how) FROM pg_roles WHERE rolname = :role"),
            {"role": role, "how": membership},
        ).scalar_one_or_none()
        if member is None:
            statements.append(f"CREATE ROLE {role} NOLOGIN")
        if not member and service not in with_login:
            statements.append(f"GRANT {role} TO {owner}")
    try:
        with connection.begin_nested():
            for statement in statements:
                connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _EXISTS:
            raise RolesError(
                f"another hub on this server made the roles {prefix}_... at the same time; run "
                "`emall migrate` again"
            ) from None
        if not is_not_permitted(error):
            raise
        asked = "; ".join(
            statement.replace("NOLOGIN", "LOGIN PASSWORD '...'")
            if any(statement == f"CREATE ROLE {role_name(prefix, s)} NOLOGIN" for s in with_login)
            else statement
            for statement in statements
        )
        raise RolesError(
            f"the database user {owner} may not make the hub's roles; let the server's "
            f"administrator run: {asked};"
        ) from None
    return statements


def close_database(
    connection: Connection, prefix: str, owners: Collection[SchemaOwner] = ALL_SERVICES
) -> None:
    """Let only the roles of the installation connect to the database, beside its owner."""
    database, owns = connection.execute(
        text(
            "SELECT quote_ident(datname), pg_has_role(datdba, 'USAGE') FROM pg_database "
            "WHERE datname = current_database()"
        )
    ).one()
    if not owns:
        log.warning("the database's owner is another; every role of the server may connect to it")
        return
    roles = ", ".join(role_names(prefix, owners))
    connection.exec_driver_sql(f"REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")
    connection.exec_driver_sql(f"GRANT CONNECT ON DATABASE {database} TO {roles}")


def is_not_permitted(error: DBAPIError) -> bool:
    """Return whether PostgreSQL refused a statement for want of a right."""
    return getattr(error.orig, "sqlstate", None) == "42501"
