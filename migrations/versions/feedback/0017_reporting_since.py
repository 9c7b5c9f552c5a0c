"""The month in which a reporting obligation begins."""

from alembic import op

revision = "feedback_0017_reporting_since"
down_revision = "feedback_0015_survey_senders"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE feedback.reporting_obligation ADD COLUMN since date NOT NULL DEFAULT '2000-01-01';
COMMENT ON COLUMN feedback.reporting_obligation.since IS
    'First month that must be reported: agreed in the pack, else that of its first load';
UPDATE feedback.reporting_obligation o SET since = coalesce(
    (SELECT min(period) FROM feedback.statistic s
     WHERE s.region = o.region AND s.agency = o.agency),
    date_trunc('month', now() AT TIME ZONE 'Asia/Jakarta')::date)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
