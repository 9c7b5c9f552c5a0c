"""Names tables and columns by the standard terms that code and API use."""

from alembic import op

revision = "assessment_0006"
down_revision = "assessment_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE assessment.place RENAME TO regency")
    op.execute("ALTER INDEX assessment.place_pkey RENAME TO regency_pkey")
    op.execute("ALTER TABLE assessment.creation RENAME TO idempotency_key")
    op.execute("ALTER INDEX assessment.creation_pkey RENAME TO idempotency_key_pkey")
    op.execute(
        "COMMENT ON TABLE assessment.idempotency_key IS "
        "'What each Idempotency-Key created, so that a retry creates nothing'"
    )
    op.execute("ALTER TABLE assessment.bundle RENAME COLUMN of_region TO assessed_region")
    op.execute("ALTER TABLE assessment.scenario RENAME COLUMN wanted TO request")
    op.execute(
        "COMMENT ON TABLE assessment.bundle IS "
        "'Assessments of other regencies as they published them, verified at import'"
    )
    op.execute(
        "COMMENT ON TABLE assessment.scenario IS "
        "'Requested scenarios and their outcomes, by the evidence and the method of that day'"
    )
    op.execute(
        "COMMENT ON COLUMN assessment.assessment.definition IS "
        "'The method in full; null in assessments from before it was stored'"
    )
