"""Follow-up of surveys, and tokens that open a rating after a use."""

from alembic import op

revision = "feedback_0004_followup"
down_revision = "feedback_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE IF NOT EXISTS feedback.creation (
            region      text        NOT NULL,
            caller      text        NOT NULL,
            key         text        NOT NULL,
            fingerprint text        NOT NULL,
            created_id  text        NOT NULL,
            recorded_at timestamptz NOT NULL,
            PRIMARY KEY (region, caller, key)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE feedback.creation IS "
        "'What a request with an Idempotency-Key made, so that a repeated one makes nothing more'"
    )
    op.execute(
        """
        CREATE TABLE feedback.follow_up (
            region      text        NOT NULL,
            survey      text        NOT NULL,
            id          uuid        NOT NULL,
            version     int         NOT NULL CHECK (version > 0),
            is_current  boolean     NOT NULL,
            agency      text        NOT NULL,
            period      text        NOT NULL,
            content     jsonb       NOT NULL,
            recorded_at timestamptz NOT NULL,
            recorded_by text        NOT NULL,
            PRIMARY KEY (region, survey, id, version)
        )
        """
    )
    op.execute(
        """
        CREATE UNIQUE INDEX follow_up_current ON feedback.follow_up (region, survey, id)
            WHERE is_current
        """
    )
    op.execute(
        "CREATE INDEX follow_up_plan ON feedback.follow_up (region, survey, period, agency) "
        "WHERE is_current"
    )
    op.execute(
        "COMMENT ON TABLE feedback.follow_up IS "
        "'What agencies do about the elements of a survey that came out lowest; nothing is "
        "overwritten'"
    )
    op.execute(
        """
        CREATE TABLE feedback.rating_token (
            region     text  NOT NULL,
            hash       bytea NOT NULL,
            survey     text  NOT NULL,
            service    text  NOT NULL,
            agency     text  NOT NULL,
            channel    text  NOT NULL,
            expires_on date  NOT NULL,
            PRIMARY KEY (region, hash)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE feedback.rating_token IS "
        "'Hashes of tokens that were not used yet; the use of one deletes it, so that nothing is "
        "left which could be laid beside an answer'"
    )
    op.execute("CREATE INDEX rating_token_expiry ON feedback.rating_token (region, expires_on)")
