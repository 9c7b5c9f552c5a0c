"""The lint of migrations refuses what breaks processes of the version before, unless marked."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.house.migration_lint import lint

MIGRATION = '''
from alembic import op

def upgrade() -> None:
    op.execute("""{statement}""")
'''


def squawk() -> str:
    found = shutil.which("squawk", path=str(Path(sys.executable).parent)) or shutil.which("squawk")
    if found is None:
        pytest.skip("squawk is not installed")
    return found


@pytest.mark.parametrize(
    ("statement", "is_refused"),
    [
        ("ALTER TABLE gateway.link ADD COLUMN later text", False),
        ("ALTER TABLE gateway.link ADD COLUMN later text NOT NULL DEFAULT ''", False),
        ("ALTER TABLE gateway.link ADD COLUMN later text NOT NULL", True),
        ("ALTER TABLE gateway.link DROP COLUMN url", True),
        ("ALTER TABLE gateway.link RENAME COLUMN url TO address", True),
        ("ALTER TABLE gateway.link ALTER COLUMN url TYPE varchar(10)", True),
        ("DROP TABLE gateway.link", True),
        ("-- Unused since 0.2.\n-- squawk-ignore ban-drop-table\nDROP TABLE gateway.link", False),
    ],
)
def test_a_migration_only_adds_or_says_that_it_removes(
    statement: str, is_refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.house.migration_lint.ROOT", tmp_path)
    file = tmp_path / "9999_later.py"
    file.write_text(MIGRATION.format(statement=statement))
    assert (lint(squawk(), file) != 0) == is_refused
