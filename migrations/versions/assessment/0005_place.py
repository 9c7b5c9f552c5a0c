"""The regency that reports name."""

from alembic import op

revision = "assessment_0005"
down_revision = "assessment_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE assessment.place (
            region  text  NOT NULL PRIMARY KEY,
            content jsonb NOT NULL
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE assessment.place IS 'The regency as its pack describes it, for reports'"
    )
