"""Bundles of other regencies to compare with, and scenarios that were computed."""

from alembic import op

revision = "assessment_0004"
down_revision = "assessment_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE assessment.bundle (
            region      text        NOT NULL,
            id          uuid        NOT NULL,
            of_region   text        NOT NULL,
            period      int         NOT NULL,
            method      text        NOT NULL,
            method_hash text        NOT NULL,
            fingerprint text        NOT NULL,
            recorded_at timestamptz NOT NULL,
            imported_at timestamptz NOT NULL,
            imported_by text        NOT NULL,
            archive     bytea       NOT NULL,
            PRIMARY KEY (region, id)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE assessment.bundle IS "
        "'Assessments of other regencies as they published them, verified when they came'"
    )
    op.execute(
        "CREATE INDEX bundle_period ON assessment.bundle (region, period, method, of_region)"
    )
    op.execute(
        """
        CREATE TABLE assessment.scenario (
            region      text        NOT NULL,
            id          uuid        NOT NULL,
            recorded_at timestamptz NOT NULL,
            recorded_by text        NOT NULL,
            wanted      jsonb       NOT NULL,
            outcome     jsonb       NOT NULL,
            PRIMARY KEY (region, id)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE assessment.scenario IS "
        "'What was asked and what came out, by the evidence and the method of that day'"
    )
