"""Rounds of surveys, and how the respondents of responses were found."""

from alembic import op

revision = "feedback_0018_survey_rounds"
down_revision = "feedback_0017_reporting_since"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE feedback.survey_round (
    region     text   NOT NULL,
    survey     text   NOT NULL,
    round      text   NOT NULL,
    opens_on   date   NOT NULL,
    closes_on  date   NOT NULL CHECK (closes_on >= opens_on),
    sample     text   NOT NULL CHECK (sample IN ('self_selected', 'drawn', 'quota', 'invited')),
    population bigint CHECK (population > 0),
    asked      bigint CHECK (asked > 0),
    agency     text,
    PRIMARY KEY (region, survey, round)
);
COMMENT ON TABLE feedback.survey_round IS
    'The days for which a survey is answered, and how its respondents are found';
COMMENT ON COLUMN feedback.survey_round.agency IS 'Who opened it; null: an administrator';
ALTER TABLE feedback.response
    ADD COLUMN round text NOT NULL DEFAULT '',
    ADD COLUMN sample text NOT NULL DEFAULT 'self_selected';
UPDATE feedback.response SET sample = 'enumerated' WHERE mode = 'enumerator';
COMMENT ON COLUMN feedback.response.round IS
    'The round that was open on the day of the answers; empty: the survey had no rounds';
COMMENT ON COLUMN feedback.response.sample IS
    'How the respondent was found: self_selected, enumerated, drawn, quota, invited';
ALTER TABLE feedback.survey_bundle
    ADD COLUMN round text NOT NULL DEFAULT '',
    ADD COLUMN sample text;
UPDATE feedback.survey_bundle SET sample = CASE
    WHEN modes ? 'enumerator' AND modes - 'enumerator' = '{}' THEN 'enumerated'
    WHEN senders IS NOT NULL THEN 'self_selected' END;
COMMENT ON COLUMN feedback.survey_bundle.sample IS
    'The same in all of its responses; null in bundles formed before samples were told apart'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
