"""Which months agencies were reminded of, each once."""

from alembic import op

revision = "gateway_0005_reporting"
down_revision = "gateway_0004_posters"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE gateway.reporting_reminder (
            region      text        NOT NULL,
            agency      text        NOT NULL,
            period      date        NOT NULL CHECK (extract(day FROM period) = 1),
            reminded_at timestamptz NOT NULL,
            PRIMARY KEY (region, agency, period)
        )
        """
    )
