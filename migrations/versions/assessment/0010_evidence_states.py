"""States of evidence: each version is proposed, confirmed, disputed or withdrawn, with history."""

from alembic import op

revision = "assessment_0010_evidence_states"
down_revision = "assessment_0009_methods"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE assessment.evidence_state (
            region     text        NOT NULL,
            kind       text        NOT NULL,
            id         uuid        NOT NULL,
            version    bigint      NOT NULL,
            step       bigint      NOT NULL CHECK (step > 0),
            state      text        NOT NULL
                       CHECK (state IN ('proposed', 'confirmed', 'disputed', 'withdrawn')),
            changed_by text        NOT NULL,
            changed_at timestamptz NOT NULL,
            reason     text,
            PRIMARY KEY (region, kind, id, version, step)
        )
        """
    )
    op.execute(
        "COMMENT ON TABLE assessment.evidence_state IS "
        "'Never overwritten: the last step of a version is its state; withdrawn is a confirmed "
        "version without content'"
    )
    # Withdrawals were in effect without confirmation, and the pack's records were counted.
    op.execute(
        """
        INSERT INTO assessment.evidence_state
            (region, kind, id, version, step, state, changed_by, changed_at)
        SELECT region, kind, id, version, 1,
               CASE WHEN content IS NULL THEN 'withdrawn'
                    WHEN origin = 'pack' THEN 'confirmed'
                    ELSE 'proposed' END,
               recorded_by, recorded_at
        FROM assessment.evidence
        """
    )
