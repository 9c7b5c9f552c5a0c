"""Usage events with daily counts, statistics with revisions, surveys with responses."""

from alembic import op

from services.platform.roles import create_schema

revision = "feedback_0001"
down_revision = None
branch_labels = ("feedback",)
depends_on = None


def upgrade() -> None:
    create_schema("feedback")
    op.execute(
        """
        CREATE TABLE feedback.event (
            region      text        NOT NULL,
            id          uuid        NOT NULL,
            occurred_at timestamptz NOT NULL,
            received_at timestamptz NOT NULL,
            kind        text        NOT NULL,
            source      text        NOT NULL,
            agency      text        NOT NULL,
            service     text        NOT NULL,
            link        text        NOT NULL,
            channel     text        NOT NULL,
            district    text        NOT NULL,
            reported_by text        NOT NULL,
            PRIMARY KEY (region, id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE feedback.daily_usage (
            region   text   NOT NULL,
            day      date   NOT NULL,
            kind     text   NOT NULL,
            source   text   NOT NULL,
            agency   text   NOT NULL,
            service  text   NOT NULL,
            link     text   NOT NULL,
            channel  text   NOT NULL,
            district text   NOT NULL,
            events   bigint NOT NULL CHECK (events > 0),
            PRIMARY KEY (region, day, kind, source, agency, service, link, channel, district)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE feedback.daily_usage IS "
        "'Events per day (Asia/Jakarta), kept in the transaction that stores them; "
        "an empty text stands for a dimension that the event did not name'"
    )
    op.execute(
        """
        CREATE TABLE feedback.statistic (
            region      text        NOT NULL,
            agency      text        NOT NULL,
            service     text        NOT NULL,
            channel     text        NOT NULL,
            period      date        NOT NULL CHECK (extract(day FROM period) = 1),
            measure     text        NOT NULL,
            revision    int         NOT NULL CHECK (revision > 0),
            value       bigint      NOT NULL CHECK (value >= 0),
            reason      text,
            is_current  boolean     NOT NULL,
            reported_at timestamptz NOT NULL,
            reported_by text        NOT NULL,
            PRIMARY KEY (region, agency, service, channel, period, measure, revision)
        )
        """
    )
    op.execute(
        """
        CREATE UNIQUE INDEX statistic_current ON feedback.statistic
            (region, agency, service, channel, period, measure) WHERE is_current
        """
    )
    op.execute(
        "CREATE INDEX statistic_period ON feedback.statistic (region, period) WHERE is_current"
    )
    op.execute(
        """
        CREATE TABLE feedback.survey (
            region     text  NOT NULL,
            slug       text  NOT NULL,
            version    int   NOT NULL CHECK (version > 0),
            is_current boolean NOT NULL,
            content    jsonb NOT NULL,
            PRIMARY KEY (region, slug, version)
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX survey_current ON feedback.survey (region, slug) WHERE is_current"
    )
    op.execute(
        """
        CREATE TABLE feedback.response (
            region      text        NOT NULL,
            survey      text        NOT NULL,
            id          uuid        NOT NULL,
            version     int         NOT NULL,
            answered_on date        NOT NULL,
            received_at timestamptz NOT NULL,
            service     text        NOT NULL,
            agency      text        NOT NULL,
            channel     text        NOT NULL,
            district    text        NOT NULL,
            answers     jsonb       NOT NULL,
            PRIMARY KEY (region, survey, id),
            FOREIGN KEY (region, survey, version) REFERENCES feedback.survey (region, slug, version)
        )
        """
    )
    op.execute("CREATE INDEX response_day ON feedback.response (region, survey, answered_on)")
    op.execute(
        """
        CREATE TABLE feedback.expected_report (
            region  text NOT NULL,
            agency  text NOT NULL,
            service text NOT NULL,
            PRIMARY KEY (region, agency, service)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE feedback.expected_report IS "
        "'Which agency owes monthly statistics of which services'"
    )
