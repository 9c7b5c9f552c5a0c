"""Senders of survey responses, responses that wait for a look, and people of a bundle."""

from alembic import op

revision = "feedback_0015_survey_senders"
down_revision = "feedback_0014_publication"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE feedback.comment_salt RENAME TO sender_salt;
ALTER TABLE feedback.sender_salt RENAME CONSTRAINT comment_salt_pkey TO sender_salt_pkey;
ALTER TABLE feedback.comment_sender RENAME TO sender_count;
ALTER TABLE feedback.sender_count RENAME CONSTRAINT comment_sender_pkey TO sender_count_pkey;
COMMENT ON TABLE feedback.sender_salt IS
    'The salt of a day, deleted with the next day, after which nobody can recognise its senders';
COMMENT ON TABLE feedback.sender_count IS
    'How often a salted hash was counted on a day; deleted with the next day';
ALTER TABLE feedback.response
    ADD COLUMN state text NOT NULL DEFAULT 'counted'
        CHECK (state IN ('counted', 'held', 'refused')),
    ADD COLUMN hold_reasons text[] NOT NULL DEFAULT '{}',
    ADD COLUMN collector text NOT NULL DEFAULT '',
    ADD COLUMN sender bytea,
    ADD COLUMN issue text NOT NULL DEFAULT '',
    ADD COLUMN decided_on date,
    ADD COLUMN decided_by text,
    ADD COLUMN decision_reason text;
COMMENT ON COLUMN feedback.response.state IS
    'counted: in results once it is bundled; held: waits for a look; refused: after a look';
COMMENT ON COLUMN feedback.response.collector IS
    'The agency whose key submitted it (enumerator, kiosk); empty: anybody';
COMMENT ON COLUMN feedback.response.sender IS
    'The salted hash of its sender on that day; deleted when it is bundled or refused';
COMMENT ON COLUMN feedback.response.issue IS
    'Agency and day of the rating token, or of the kiosk; deleted when it is bundled or refused';
ALTER TABLE feedback.rating_token ADD COLUMN issue text NOT NULL DEFAULT 'earlier';
COMMENT ON COLUMN feedback.rating_token.issue IS
    'Agency and day: tokens of one issue are in no bundle of their own';
ALTER TABLE feedback.survey_bundle
    ADD COLUMN senders bigint CHECK (senders >= 5),
    ADD COLUMN modes jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN feedback.survey_bundle.senders IS
    'The people told apart in it; null in bundles formed before they were';
COMMENT ON COLUMN feedback.survey_bundle.modes IS
    'Responses by mode; empty unless every mode that occurs has five people or more'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
