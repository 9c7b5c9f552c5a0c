"""Evidence with versions, and assessments."""

from alembic import op

from services.platform.roles import create_schema

revision = "assessment_0001"
down_revision = None
branch_labels = ("assessment",)
depends_on = None


def upgrade() -> None:
    create_schema("assessment")
    op.execute(
        """
        CREATE TABLE assessment.source (
            region  text  NOT NULL,
            id      text  NOT NULL,
            content jsonb NOT NULL,
            PRIMARY KEY (region, id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE assessment.evidence (
            region      text        NOT NULL,
            kind        text        NOT NULL,
            id          uuid        NOT NULL,
            version     int         NOT NULL CHECK (version > 0),
            key         text        NOT NULL,
            recorded_at timestamptz NOT NULL,
            is_current  boolean     NOT NULL,
            content     jsonb,
            PRIMARY KEY (region, kind, id, version)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE assessment.evidence IS "
        "'Never overwritten: a correction is a further version; null content withdraws the record'"
    )
    op.execute(
        """
        CREATE UNIQUE INDEX evidence_key ON assessment.evidence (region, kind, key)
            WHERE is_current
        """
    )
    op.execute(
        """
        CREATE TABLE assessment.assessment (
            region         text        NOT NULL,
            id             uuid        NOT NULL,
            method         text        NOT NULL,
            method_version int         NOT NULL,
            method_hash    text        NOT NULL,
            period         int         NOT NULL,
            seed           bigint      NOT NULL,
            draws          int         NOT NULL,
            evidence_hash  text        NOT NULL,
            recorded_at    timestamptz NOT NULL,
            recorded_by    text        NOT NULL,
            evidence       jsonb       NOT NULL,
            scores         jsonb       NOT NULL,
            PRIMARY KEY (region, id)
        )
        """
    )
    op.execute(
        "CREATE INDEX assessment_period ON assessment.assessment (region, period, method, id)"
    )
