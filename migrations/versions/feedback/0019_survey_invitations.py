"""Invitations of stakeholders to a round of a survey."""

from alembic import op

revision = "feedback_0019_survey_invitations"
down_revision = "feedback_0018_survey_rounds"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE feedback.survey_invitation (
    region  text  NOT NULL,
    survey  text  NOT NULL,
    round   text  NOT NULL,
    code    text  NOT NULL,
    name    text  NOT NULL,
    name_en text  NOT NULL,
    salt    bytea NOT NULL,
    PRIMARY KEY (region, survey, round, code),
    FOREIGN KEY (region, survey, round) REFERENCES feedback.survey_round (region, survey, round)
        ON DELETE CASCADE
);
COMMENT ON TABLE feedback.survey_invitation IS
    'The organisations and posts that are invited to a round';
COMMENT ON COLUMN feedback.survey_invitation.code IS 'The key of the stakeholder';
COMMENT ON COLUMN feedback.survey_invitation.salt IS
    'From it and the hub''s key the token of the link is derived, which is not stored';
CREATE TABLE feedback.invitation_token (
    region text  NOT NULL,
    hash   bytea NOT NULL,
    survey text  NOT NULL,
    round  text  NOT NULL,
    PRIMARY KEY (region, hash),
    FOREIGN KEY (region, survey, round) REFERENCES feedback.survey_round (region, survey, round)
        ON DELETE CASCADE
);
COMMENT ON TABLE feedback.invitation_token IS
    'The hashes of the tokens that have not been used: a response deletes that of its token, so '
    'that no row tells with which response an invitation was answered'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
