"""Whom an identity provider knows a person as."""

from alembic import op

revision = "gateway_0021_person_subject"
down_revision = "gateway_0020_people"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE gateway.person ADD COLUMN oidc_subject text",
    "COMMENT ON COLUMN gateway.person.oidc_subject IS "
    "'Id at the identity provider (sub), since the first sign-in there'",
    "CREATE UNIQUE INDEX person_oidc_subject ON gateway.person (region, oidc_subject)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
