"""What people ask for and no service gives, and what each background job did last."""

from alembic import op

revision = "catalog_0011_search_demand"
down_revision = "catalog_0010_search_in_process"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE catalog.search_demand (
        region    text   NOT NULL,
        month     date   NOT NULL,
        word      text   NOT NULL,
        days      bigint NOT NULL,
        first_day date   NOT NULL,
        last_day  date   NOT NULL,
        PRIMARY KEY (region, month, word)
    )
    """,
    "COMMENT ON TABLE catalog.search_demand IS "
    "'Words of searches that found no service: on how many days of a month each was asked for'",
    """
    CREATE TABLE catalog.job_run (
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
    """,
    "COMMENT ON TABLE catalog.job_run IS 'The last run of each background job'",
    "COMMENT ON COLUMN catalog.job_run.failures IS 'Consecutive failures up to the last run'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
