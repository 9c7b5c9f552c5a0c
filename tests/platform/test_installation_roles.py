"""Roles: found before they are made, of one installation each, on one server with others."""

import asyncio
import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr, ValidationError

from services.platform.database import Database
from services.platform.installation_roles import DEFAULT_PREFIX, RolesError, role_names
from services.platform.migrations import migrate
from services.platform.settings import Service, Settings
from tests.conftest import Server, administrator, execute
from tests.rows import rows

ROLES_WITH_RIGHTS = """
SELECT DISTINCT r.rolname::text AS name FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
JOIN pg_database d ON d.datname = current_database()
WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype = 'a'
  AND (s.dbid = d.oid OR (s.classid = 'pg_database'::regclass AND s.objid = d.oid)) ORDER BY 1
"""


def unused_prefix() -> str:
    return f"p{os.urandom(4).hex()}"


def as_user(server: Server, database: str, user: str, password: str = "secret") -> str:
    url = sa.make_url(server.address_of(database)).set(username=user, password=password)
    return url.render_as_string(hide_password=False)


def with_logins(server: Server, database: str, prefix: str, password: str) -> dict[str, SecretStr]:
    return {
        f"{service.value}_database_url": SecretStr(as_user(server, database, role, password))
        for service, role in zip(Service, role_names(prefix), strict=True)
    }


@contextmanager
def owned_database(server: Server, *options: str) -> Generator[tuple[str, str]]:
    """Create a user without special rights, and a database that it owns; yield their names."""
    owner = f"owner_{os.urandom(4).hex()}"
    administrator(server.url).execute(
        f"CREATE ROLE {owner} LOGIN PASSWORD 'secret' {' '.join(options)}"
    )
    with server.database_from("template1") as name:
        administrator(server.url).execute(f"ALTER DATABASE {name} OWNER TO {owner}")
        yield name, owner


async def as_service(settings: Settings, service: Service, statement: str) -> Any:
    database = Database(settings, service)
    try:
        async with database.read_session() as session:
            return (await session.execute(sa.text(statement))).scalar()
    finally:
        await database.close()


def user_of(settings: Settings, service: Service) -> Any:
    return asyncio.run(as_service(settings, service, "SELECT current_user"))


@pytest.mark.slow
def test_a_second_installation_neither_changes_nor_reads_the_first(server: Server) -> None:
    one, two = unused_prefix(), unused_prefix()
    with server.database_from("template1") as first, server.database_from("template1") as second:
        logins = with_logins(server, first, one, "it's:a %secret")
        first_hub = server.settings(first, role_prefix=one, **logins)
        asyncio.run(migrate(first_hub))
        second_hub = server.settings(
            second, role_prefix=two, **with_logins(server, second, two, "other")
        )
        asyncio.run(migrate(second_hub))
        for hub, prefix in ((first_hub, one), (second_hub, two)):
            users = [user_of(hub, service) for service in Service]
            assert users == role_names(prefix)
            assert [row["name"] for row in rows(hub, ROLES_WITH_RIGHTS)] == sorted(users)

        for foreign in role_names(two):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="CONNECT"):
                asyncio.run(asyncpg.connect(as_user(server, first, foreign, "other")))
        [(readable,)] = rows(
            first_hub,
            "SELECT count(*) FROM pg_tables t, unnest($1::text[]) role WHERE schemaname = ANY ($2)"
            " AND has_schema_privilege(role, schemaname, 'USAGE')",
            role_names(two),
            [service.value for service in Service],
        )
        assert readable == 0

        # The first's prefix is refused to another database, before anything is changed there.
        with server.database_from("template1") as third:
            wrong = server.settings(
                third, role_prefix=one, **with_logins(server, third, one, "third")
            )
            with pytest.raises(RolesError, match=f"belong to another hub .*{first}.*EMALL_ROLE"):
                asyncio.run(migrate(wrong))
            assert rows(wrong, ROLES_WITH_RIGHTS) == []
        assert [user_of(first_hub, service) for service in Service] == role_names(one)


@pytest.mark.slow
def test_of_two_that_make_the_same_roles_at_once_one_is_told(server: Server) -> None:
    prefix = unused_prefix()

    async def both(*names: str) -> list[BaseException | None]:
        hubs = [server.settings(name, role_prefix=prefix) for name in names]
        return await asyncio.gather(*map(migrate, hubs), return_exceptions=True)

    with server.database_from("template1") as one, server.database_from("template1") as two:
        results = asyncio.run(both(one, two))
        [refused] = [result for result in results if result is not None]
        assert isinstance(refused, RolesError)
        assert "another hub" in str(refused)


@pytest.mark.slow
def test_without_a_setting_a_database_keeps_its_roles_and_another_gets_its_own(
    server: Server, empty: Settings
) -> None:
    asyncio.run(migrate(empty))
    assert [user_of(empty, service) for service in Service] == role_names(DEFAULT_PREFIX)
    with server.database_from("template1") as name:
        other = server.settings(name)
        asyncio.run(migrate(other))
        assert [user_of(other, service) for service in Service] == role_names(f"emall_{name}")


def test_a_database_that_is_not_migrated_is_not_used_with_the_rights_of_its_owner(
    server: Server, migrated: str
) -> None:
    assert migrated
    with server.database_from("template1") as name:
        assert user_of(server.settings(name), Service.catalog) == "emall_catalog"


def test_an_account_for_reading_is_not_taken_for_the_role(empty: Settings) -> None:
    reader = f"a{unused_prefix()}_gateway"
    rows(empty, f"CREATE ROLE {reader}")
    rows(empty, f"GRANT USAGE ON SCHEMA gateway TO {reader}")
    rows(empty, f"GRANT SELECT ON ALL TABLES IN SCHEMA gateway TO {reader}")
    asyncio.run(migrate(empty))
    assert user_of(empty, Service.gateway) == "emall_gateway"


@pytest.mark.slow
def test_another_prefix_moves_every_right_of_the_old_roles(empty: Settings) -> None:
    rights = """
    SELECT object, privilege_type FROM (
        SELECT oid::regclass::text AS object, relacl AS acl FROM pg_class
        UNION ALL SELECT oid::regprocedure::text, proacl FROM pg_proc
        UNION ALL SELECT nspname, nspacl FROM pg_namespace
        UNION ALL SELECT defaclnamespace::regnamespace::text, defaclacl FROM pg_default_acl
    ) held, aclexplode(acl) a WHERE a.grantee = (
        SELECT oid FROM pg_roles WHERE rolname = $1) ORDER BY 1, 2
    """
    prefix = unused_prefix()
    before = [rows(empty, rights, role) for role in role_names(DEFAULT_PREFIX)]
    asyncio.run(migrate(empty.model_copy(update={"role_prefix": prefix})))
    assert all(before)
    assert [rows(empty, rights, role) for role in role_names(prefix)] == before
    assert [row["name"] for row in rows(empty, ROLES_WITH_RIGHTS)] == sorted(role_names(prefix))
    assert user_of(empty, Service.feedback) == f"{prefix}_feedback"


@pytest.mark.slow
@pytest.mark.parametrize("logins", [False, True])
def test_an_owner_who_may_not_make_roles_uses_those_of_the_administrator(
    server: Server, *, logins: bool
) -> None:
    prefix = unused_prefix()
    with owned_database(server) as (name, owner):
        own = with_logins(server, name, prefix, "made") if logins else {}
        address = SecretStr(as_user(server, name, owner))
        settings = server.settings(name, role_prefix=prefix, **(own | {"database_url": address}))
        with pytest.raises(RolesError) as refused:
            asyncio.run(migrate(settings))
        message = str(refused.value)
        for role in role_names(prefix):
            assert (f"CREATE ROLE {role} LOGIN PASSWORD '...'" in message) == logins
            assert (f"CREATE ROLE {role} NOLOGIN; GRANT {role} TO {owner}" in message) != logins
        assert rows(settings, "SELECT FROM pg_namespace WHERE nspname = 'gateway'") == []

        statements = message.partition("administrator run: ")[2].replace("'...'", "'made'")
        asyncio.run(execute(server.url, statements))
        asyncio.run(migrate(settings))
        assert [user_of(settings, service) for service in Service] == role_names(prefix)
        asyncio.run(migrate(settings))

        if logins:
            wrong = with_logins(server, name, prefix, "wrong")
            with pytest.raises(
                RolesError, match=r"gateway cannot log in .* may not alter the role"
            ):
                asyncio.run(migrate(settings.model_copy(update=wrong)))


@pytest.mark.slow
def test_an_owner_with_createrole_makes_the_roles(server: Server) -> None:
    with owned_database(server, "CREATEROLE") as (name, owner):
        prefix = unused_prefix()
        settings = server.settings(
            name,
            database_url=SecretStr(as_user(server, name, owner)),
            role_prefix=prefix,
            catalog_database_url=SecretStr(as_user(server, name, f"{prefix}_catalog", "own")),
        )
        asyncio.run(migrate(settings))
        assert [user_of(settings, service) for service in Service] == role_names(prefix)


def test_the_login_of_a_service_must_be_its_role(empty: Settings) -> None:
    address = SecretStr("postgresql://someone:x@localhost/x")
    settings = empty.model_copy(update={"catalog_database_url": address})
    with pytest.raises(RolesError, match="EMALL_CATALOG_DATABASE_URL must name the user"):
        asyncio.run(migrate(settings))


def test_a_password_that_two_databases_share_is_not_reset(server: Server, empty: Settings) -> None:
    assert empty.database_url is not None
    name = sa.make_url(empty.database_url.get_secret_value()).database
    assert name is not None
    address = SecretStr(as_user(server, name, "emall_catalog", "another"))
    settings = empty.model_copy(update={"catalog_database_url": address})
    with pytest.raises(RolesError, match=r"emall_catalog cannot log in .* uses the role too"):
        asyncio.run(migrate(settings))


@pytest.mark.parametrize("prefix", ["", "pg", "pg_x", "Emall", "1a", "a-b", "a b", 'a"', "a" * 51])
def test_a_prefix_that_postgresql_would_not_take_is_refused(server: Server, prefix: str) -> None:
    with pytest.raises(ValidationError, match="role_prefix"):
        server.settings("postgres", role_prefix=prefix)


@pytest.mark.parametrize("prefix", ["p", "pq", "pga", "emall", "toba_2", "o", "a" * 50])
def test_other_prefixes_are_taken(server: Server, prefix: str) -> None:
    assert server.settings("postgres", role_prefix=prefix).role_prefix == prefix
