"""Announcements that agencies write in the hub: drafts, versions, and what pages show of them."""

from alembic import op

revision = "gateway_0025_announcements"
down_revision = "gateway_0024_handovers"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE gateway.announcement_draft (
        region       text        NOT NULL,
        announcement uuid        NOT NULL,
        revision     bigint      NOT NULL CHECK (revision > 0),
        state        text        NOT NULL
                     CHECK (state IN ('draft', 'in_review', 'refused', 'published', 'discarded')),
        base_version bigint,
        agency       text        NOT NULL,
        recorded_at  timestamptz NOT NULL,
        recorded_by  text        NOT NULL,
        person       text        NOT NULL,
        reason       text,
        content      jsonb       NOT NULL,
        PRIMARY KEY (region, announcement, revision)
    )
    """,
    "COMMENT ON TABLE gateway.announcement_draft IS "
    "'Steps of drafts, never overwritten: the last one of an announcement is its draft, unless it "
    "was published or discarded'",
    "COMMENT ON COLUMN gateway.announcement_draft.base_version IS "
    "'The last version when it was saved; null: never published'",
    "COMMENT ON COLUMN gateway.announcement_draft.person IS "
    "'Who took the step: the person, or the first of the keys that were made from each other'",
    """
    CREATE TABLE gateway.announcement_version (
        region       text        NOT NULL,
        announcement uuid        NOT NULL,
        number       bigint      NOT NULL CHECK (number > 0),
        agency       text        NOT NULL,
        recorded_at  timestamptz NOT NULL,
        recorded_by  text        NOT NULL,
        approved_by  text,
        reason       text,
        shown_from   timestamptz NOT NULL,
        content      jsonb       NOT NULL,
        PRIMARY KEY (region, announcement, number)
    )
    """,
    "COMMENT ON TABLE gateway.announcement_version IS "
    "'Versions of announcements that were written in the hub, never overwritten'",
    "COMMENT ON COLUMN gateway.announcement_version.approved_by IS "
    "'Who published it as the draft of another; null: a withdrawal'",
    "COMMENT ON COLUMN gateway.announcement_version.reason IS "
    "'Why it was withdrawn; null: it was published'",
    "COMMENT ON COLUMN gateway.announcement_version.shown_from IS "
    "'When citizens first see the announcement, by which lists are ordered'",
    "ALTER TABLE gateway.announcement ADD COLUMN agency text",
    "ALTER TABLE gateway.announcement ADD COLUMN title_en text",
    "ALTER TABLE gateway.announcement ADD COLUMN summary_en text",
    "ALTER TABLE gateway.announcement ADD COLUMN content_en text",
    "ALTER TABLE gateway.announcement ADD COLUMN shown_until timestamptz",
    "COMMENT ON COLUMN gateway.announcement.agency IS "
    "'Agency that wrote it in the hub, where its source is empty; null: read from a website'",
    "COMMENT ON COLUMN gateway.announcement.dated_at IS "
    "'Date of publication as the website states it, null if it is not known; of one that was "
    "written in the hub when pages first show it'",
    "COMMENT ON COLUMN gateway.announcement.shown_until IS "
    "'When pages stop to show it; null: never'",
    # A poll changes only rows that are new or differ, so each of them is told.
    """
    CREATE TRIGGER notify_published AFTER INSERT OR UPDATE OR DELETE ON gateway.announcement
    FOR EACH ROW EXECUTE FUNCTION gateway.notify_published()
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
