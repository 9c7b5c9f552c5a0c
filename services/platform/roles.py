"""One schema and one role per service; the role can access only its own schema."""

from alembic import op

from services.platform.installation_roles import DEFAULT_PREFIX, role_name
from services.platform.settings import SchemaOwner, Service


def role_of(service: str | SchemaOwner) -> str:
    """Return the role of a service in the installation that is migrated."""
    config = op.get_context().config
    prefix = config.attributes.get("role_prefix") if config is not None else None
    owner = service if isinstance(service, SchemaOwner) else Service(service)
    return role_name(prefix or DEFAULT_PREFIX, owner)


def create_schema(service: str | SchemaOwner) -> None:
    """Create the schema of a service, with default privileges of its role for later tables."""
    role = role_of(service)
    op.execute(f"CREATE SCHEMA {service}")
    op.execute(f"GRANT USAGE ON SCHEMA {service} TO {role}")
    op.execute(
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {service} "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"
    )
