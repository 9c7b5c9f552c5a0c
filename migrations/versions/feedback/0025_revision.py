"""Counts changes of what reports of surveys, comments and monthly statistics are made of.

Those who keep such a report compare the number, instead of asking for the report again. Events are
not counted: they are written too often.
"""

from alembic import op

revision = "feedback_0025_revision"
down_revision = "feedback_0024_statistic_drafts"
branch_labels = None
depends_on = None

TABLES = (
    "comment_bundle",
    "regency",
    "reported_relations",
    "reporting_obligation",
    "response",
    "statistic",
    "statistic_flag",
    "survey",
    "survey_bundle",
    "survey_invitation",
    "survey_round",
)

STATEMENTS = (
    """
    CREATE TABLE feedback.revision (
        region text   NOT NULL PRIMARY KEY,
        number bigint NOT NULL
    )
    """,
    "COMMENT ON TABLE feedback.revision IS "
    "'How many transactions changed the surveys, bundles, statistics or obligations of a region'",
    """
    CREATE FUNCTION feedback.count_revision() RETURNS trigger
    LANGUAGE plpgsql AS $$
    DECLARE
        changed text := CASE TG_OP WHEN 'DELETE' THEN OLD.region ELSE NEW.region END;
        counted text := coalesce(current_setting('emall.revised_feedback', true), '');
    BEGIN
        -- Once in a transaction and at its end, so that the row is locked for a moment only, and
        -- after every other lock. The setting ends with the transaction.
        IF position(' ' || changed || ' ' IN counted) = 0 THEN
            INSERT INTO feedback.revision (region, number) VALUES (changed, 1)
            ON CONFLICT (region) DO UPDATE SET number = revision.number + 1;
            PERFORM set_config('emall.revised_feedback', counted || ' ' || changed || ' ', true);
        END IF;
        RETURN NULL;
    END $$
    """,
    *(
        f"""
        CREATE CONSTRAINT TRIGGER count_revision
        AFTER INSERT OR UPDATE OR DELETE ON feedback.{table}
        DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION feedback.count_revision()
        """
        for table in TABLES
    ),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
