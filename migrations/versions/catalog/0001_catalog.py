"""Agencies, life events, services with versions and full-text search."""

from alembic import op

from services.platform.roles import create_schema

revision = "catalog_0001"
down_revision = None
branch_labels = ("catalog",)
depends_on = None


def upgrade() -> None:
    create_schema("catalog")
    op.execute(
        """
        CREATE TABLE catalog.source (
            region  text  NOT NULL,
            id      text  NOT NULL,
            content jsonb NOT NULL,
            PRIMARY KEY (region, id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE catalog.agency (
            region  text  NOT NULL,
            slug    text  NOT NULL,
            content jsonb NOT NULL,
            PRIMARY KEY (region, slug)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE catalog.life_event (
            region   text  NOT NULL,
            slug     text  NOT NULL,
            position int   NOT NULL,
            content  jsonb NOT NULL,
            PRIMARY KEY (region, slug)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE catalog.service (
            region      text        NOT NULL,
            slug        text        NOT NULL,
            agency      text        NOT NULL,
            life_events text[]      NOT NULL,
            channels    text[]      NOT NULL,
            version     int         NOT NULL CHECK (version > 0),
            modified_at timestamptz NOT NULL,
            content     jsonb       NOT NULL,
            names       text[]      NOT NULL,
            search      tsvector    NOT NULL,
            PRIMARY KEY (region, slug),
            FOREIGN KEY (region, agency) REFERENCES catalog.agency (region, slug)
        )
        """
    )
    op.execute("CREATE INDEX service_search ON catalog.service USING gin (search)")
    op.execute("CREATE INDEX service_agency ON catalog.service (region, agency, slug)")
    op.execute(
        """
        CREATE TABLE catalog.service_version (
            region      text        NOT NULL,
            slug        text        NOT NULL,
            number      int         NOT NULL CHECK (number > 0),
            recorded_at timestamptz NOT NULL,
            content     jsonb,
            PRIMARY KEY (region, slug, number)
        )
        """
    )
    op.execute(
        "COMMENT ON COLUMN catalog.service_version.content IS "
        "'The service as published; null where this version withdrew it'"
    )
