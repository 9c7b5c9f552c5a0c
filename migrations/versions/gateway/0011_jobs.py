"""What each background job did last."""

from alembic import op

revision = "gateway_0011_jobs"
down_revision = "gateway_0010_standard_terms"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE gateway.job_run (
            region       text        NOT NULL,
            job          text        NOT NULL,
            ran_at       timestamptz NOT NULL,
            succeeded_at timestamptz,
            failed_at    timestamptz,
            failure      text,
            failures     bigint      NOT NULL,
            next_at      timestamptz,
            host         text        NOT NULL,
            PRIMARY KEY (region, job)
        )
        """
    )
    op.execute("COMMENT ON TABLE gateway.job_run IS 'The last run of each background job'")
    op.execute(
        "COMMENT ON COLUMN gateway.job_run.failures IS 'Consecutive failures up to the last run'"
    )
