"""A schema per service with a role that reads and writes it, and no other."""

from alembic import op


def create_schema(service: str) -> None:
    """Makes the service's schema and role; what is created in the schema later is granted too."""
    role = f"emall_{service}"
    op.execute(
        f"""
        DO $$ BEGIN
            CREATE ROLE {role} NOLOGIN;
        -- Roles belong to the cluster; another database of it may have made this one, or be at it.
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$;
        """
    )
    # The owner of the hub's database acts as the role where the service has no login of its own.
    op.execute(f"GRANT {role} TO CURRENT_USER")
    op.execute(f"CREATE SCHEMA {service}")
    op.execute(f"GRANT USAGE ON SCHEMA {service} TO {role}")
    op.execute(
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {service} "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"
    )
