"""Comments and complaints: cases with what happened to them, contacts kept apart, attachments."""

from alembic import op

revision = "feedback_0006_comments"
down_revision = "feedback_0005_reporting"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE feedback.comment_bundle (
    region    text NOT NULL,
    id        uuid NOT NULL,
    sealed_on date NOT NULL,
    n         int  NOT NULL CHECK (n >= 5),
    first_day date NOT NULL,
    last_day  date NOT NULL CHECK (last_day > first_day),
    service   text,
    agency    text,
    kind      text,
    category  text,
    tally     jsonb NOT NULL,
    PRIMARY KEY (region, id)
);
COMMENT ON TABLE feedback.comment_bundle IS
    'Five or more settled comments with their sums: all that published figures are made of. '
    'A label that is null was not the same in all of them';

CREATE TABLE feedback.comment (
    region           text        NOT NULL,
    id               uuid        NOT NULL,
    ticket           text        NOT NULL,
    token_hash       bytea       NOT NULL,
    kind             text        NOT NULL CHECK (kind IN ('comment', 'complaint', 'question',
                                                          'praise')),
    category         text        NOT NULL,
    service          text        NOT NULL,
    agency           text        NOT NULL,
    link             text        NOT NULL,
    district         text        NOT NULL,
    place            text        NOT NULL,
    latitude         double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude        double precision CHECK (longitude BETWEEN -180 AND 180),
    content          text        NOT NULL,
    content_hash     bytea       NOT NULL,
    language         text        NOT NULL,
    source           text        NOT NULL,
    is_public        boolean     NOT NULL,
    held             text[]      NOT NULL,
    state            text        NOT NULL CHECK (state IN ('received', 'in_progress', 'answered',
                                                           'closed', 'reopened', 'merged',
                                                           'forwarded')),
    merged_into      uuid,
    promise          text        NOT NULL,
    received_on      date        NOT NULL,
    verify_by        date        NOT NULL,
    answer_by        date        NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    verified_at      timestamptz,
    answered_at      timestamptz,
    closed_at        timestamptz,
    forwarded_at     timestamptz,
    forwarded_number text,
    bundle           uuid,
    PRIMARY KEY (region, id),
    UNIQUE (region, ticket),
    FOREIGN KEY (region, merged_into) REFERENCES feedback.comment (region, id),
    FOREIGN KEY (region, bundle) REFERENCES feedback.comment_bundle (region, id)
);
COMMENT ON TABLE feedback.comment IS
    'What somebody said, asked or complained of, and how far it is; nothing in it tells who';
COMMENT ON COLUMN feedback.comment.held IS
    'Why it waits for a look by a person before it counts; empty where it does not';
CREATE INDEX comment_agency ON feedback.comment (region, agency, id);
CREATE INDEX comment_content ON feedback.comment (region, content_hash, created_at);
CREATE INDEX comment_unbundled ON feedback.comment (region, received_on) WHERE bundle IS NULL;
CREATE INDEX comment_merged ON feedback.comment (region, merged_into)
    WHERE merged_into IS NOT NULL;

CREATE TABLE feedback.comment_entry (
    region     text        NOT NULL,
    comment    uuid        NOT NULL,
    number     int         NOT NULL,
    recorded_at timestamptz NOT NULL,
    who        text        NOT NULL CHECK (who IN ('citizen', 'agency', 'hub')),
    agency     text        NOT NULL,
    key        text        NOT NULL,
    action     text        NOT NULL,
    state      text        NOT NULL,
    content    text        NOT NULL,
    PRIMARY KEY (region, comment, number),
    FOREIGN KEY (region, comment) REFERENCES feedback.comment (region, id)
);
COMMENT ON TABLE feedback.comment_entry IS
    'What happened to a comment, in order: replies and changes of state, by whom. Only added to';

CREATE TABLE feedback.comment_contact (
    region          text        NOT NULL,
    comment         uuid        NOT NULL,
    sealed          bytea       NOT NULL,
    consent_version text        NOT NULL,
    consented_at    timestamptz NOT NULL,
    PRIMARY KEY (region, comment),
    FOREIGN KEY (region, comment) REFERENCES feedback.comment (region, id)
);
COMMENT ON TABLE feedback.comment_contact IS
    'How somebody who asked for it is reached, encrypted; its row goes when the case closes or '
    'the consent is withdrawn';

CREATE TABLE feedback.comment_attachment (
    region      text        NOT NULL,
    id          uuid        NOT NULL,
    comment     uuid        NOT NULL,
    media_type  text        NOT NULL,
    size        int         NOT NULL,
    sha256      bytea       NOT NULL,
    content     bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (region, id),
    UNIQUE (region, comment, sha256),
    FOREIGN KEY (region, comment) REFERENCES feedback.comment (region, id)
);
COMMENT ON TABLE feedback.comment_attachment IS
    'Pictures to a comment, written anew by the hub, so that nothing but the picture is in them';

CREATE TABLE feedback.comment_salt (
    region text  NOT NULL,
    day    date  NOT NULL,
    salt   bytea NOT NULL,
    PRIMARY KEY (region, day)
);
COMMENT ON TABLE feedback.comment_salt IS
    'The salt of a day; thrown away with the next day, after which nobody can tell senders again';

CREATE TABLE feedback.comment_sender (
    region text  NOT NULL,
    day    date  NOT NULL,
    sender bytea NOT NULL,
    sent   int   NOT NULL,
    PRIMARY KEY (region, day, sender)
);
COMMENT ON TABLE feedback.comment_sender IS
    'How many comments came from a salted hash on a day; thrown away with the next day';
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
