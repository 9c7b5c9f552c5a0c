"""The date of an announcement as its website states it, or none.

`published_at`, which has the time of the first poll in place of a missing date, stays for the
version before.
"""

from alembic import op

revision = "gateway_0019_undated"
down_revision = "gateway_0018_service_notices"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE gateway.announcement ADD COLUMN dated_at timestamptz",
    "COMMENT ON COLUMN gateway.announcement.dated_at IS "
    "'Date of publication as the website states it; null if it is not known'",
    # Equal only if the date was missing, or in the future.
    "UPDATE gateway.announcement SET dated_at = published_at WHERE published_at <> first_seen_at",
    """
    CREATE INDEX announcement_by_date ON gateway.announcement
        (region, COALESCE(dated_at, '-infinity'::timestamptz) DESC, id DESC)
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
