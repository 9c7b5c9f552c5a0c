"""What invited stakeholders report about their relations with each other."""

from alembic import op

revision = "feedback_0020_reported_relations"
down_revision = "feedback_0019_survey_invitations"
branch_labels = None
depends_on = None

STATEMENTS = """
CREATE TABLE feedback.reported_relations (
    region   text  NOT NULL,
    survey   text  NOT NULL,
    round    text  NOT NULL,
    reporter text  NOT NULL,
    reports  jsonb NOT NULL,
    PRIMARY KEY (region, survey, round, reporter),
    FOREIGN KEY (region, survey, round) REFERENCES feedback.survey_round (region, survey, round)
);
COMMENT ON TABLE feedback.reported_relations IS
    'What a stakeholder states about its partners: ties are published as its own when the round is '
    'closed, ratings only as means of five raters or more'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)
