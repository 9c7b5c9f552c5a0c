"""The keys with which other regencies sign their bundles, as the administrator listed them."""

from alembic import op

revision = "assessment_0008_publishers"
down_revision = "assessment_0007_jobs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE assessment.publisher (
            region           text        NOT NULL,
            published_region text        NOT NULL,
            fingerprints     text[]      NOT NULL,
            changed_at       timestamptz NOT NULL,
            changed_by       text        NOT NULL,
            PRIMARY KEY (region, published_region)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE assessment.publisher IS "
        "'Fingerprints of the keys with which other regencies sign their bundles'"
    )
