"""One schema and one role per service; the role can access only its own schema."""

from alembic import op


def create_schema(service: str) -> None:
    """Create the schema and role of a service, with default privileges for later tables."""
    role = f"emall_{service}"
    op.execute(
        f"""
        DO $$ BEGIN
            CREATE ROLE {role} NOLOGIN;
        -- Roles are cluster-wide: a migration of another database may have created it.
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$;
        """
    )
    # Without a login of the service, the database owner uses SET ROLE.
    op.execute(f"GRANT {role} TO CURRENT_USER")
    op.execute(f"CREATE SCHEMA {service}")
    op.execute(f"GRANT USAGE ON SCHEMA {service} TO {role}")
    op.execute(
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {service} "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"
    )
