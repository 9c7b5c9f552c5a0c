"""Add the agencies, links and districts that events may name; notify when such names change."""

from alembic import op

revision = "feedback_0010_reference_codes"
down_revision = "feedback_0009_regency"
branch_labels = None
depends_on = None

TABLES = ("reporting_obligation", "reference_code")


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE feedback.reference_code (
            region text NOT NULL,
            kind   text NOT NULL CHECK (kind IN ('agency', 'link', 'district')),
            code   text NOT NULL,
            PRIMARY KEY (region, kind, code)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE feedback.reference_code IS "
        "'Agencies, links and districts of the pack, which events may name; services are in "
        "reporting_obligation'"
    )
    op.execute(
        """
        CREATE FUNCTION feedback.notify_published() RETURNS trigger
        LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_notify('emall_published', '* feedback');
            RETURN NULL;
        END $$
        """
    )
    for table in TABLES:
        op.execute(
            f"""
            CREATE TRIGGER notify_published
            AFTER INSERT OR UPDATE OR DELETE ON feedback.{table}
            FOR EACH STATEMENT EXECUTE FUNCTION feedback.notify_published()
            """
        )
