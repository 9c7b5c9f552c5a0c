"""Evidence that was recorded before it had states has one after the upgrade."""

from tests.conftest import Server
from tests.feedback.test_migrations import fetch
from tests.upgrading import upgrade

EVIDENCE = """
INSERT INTO assessment.evidence
    (region, kind, id, version, key, recorded_at, recorded_by, origin, is_current, content)
SELECT '12.12', 'meetings', CAST(id AS uuid), version, key, now(), by, origin, current,
       CASE WHEN withdrawn THEN NULL ELSE jsonb_build_object('key', key) END
FROM (VALUES ('00000000-0000-7000-8000-000000000001', 1, 'a', 'pack', 'pack', true, false),
             ('00000000-0000-7000-8000-000000000002', 1, 'b', 'pack', 'pack', false, false),
             ('00000000-0000-7000-8000-000000000002', 2, 'b', 'pack', 'pack', false, true),
             ('00000000-0000-7000-8000-000000000003', 1, 'c', 'bappeda', 'api', true, false),
             ('00000000-0000-7000-8000-000000000004', 1, 'd', 'bappeda', 'api', false, false),
             ('00000000-0000-7000-8000-000000000004', 2, 'd', 'setda', 'api', false, true)
     ) AS row (id, version, key, by, origin, current, withdrawn)
"""
STATES = """
SELECT e.key, s.version, s.step, s.state, s.changed_by, s.changed_at = e.recorded_at
FROM assessment.evidence_state s JOIN assessment.evidence e USING (region, kind, id, version)
ORDER BY 1, 2
"""


def test_records_of_before_have_a_state(server: Server) -> None:
    with server.database_from("template0") as name:
        address = server.address_of(name)
        upgrade(address, "assessment_0009_methods")
        fetch(address, EVIDENCE)
        upgrade(address, "assessment@head")
        assert fetch(address, STATES) == [
            ("a", 1, 1, "confirmed", "pack", True),
            ("b", 1, 1, "confirmed", "pack", True),
            ("b", 2, 1, "withdrawn", "pack", True),
            ("c", 1, 1, "proposed", "bappeda", True),
            ("d", 1, 1, "proposed", "bappeda", True),
            ("d", 2, 1, "withdrawn", "setda", True),
        ]
