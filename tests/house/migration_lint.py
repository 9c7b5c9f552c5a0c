"""`make lint`: every branch has one head, and squawk reads the SQL of its newest migration.

Older migrations have run and do not change any more. Excluded rules concern upgrades of a running
system; an upgrade of the hub stops it first (docs/operations.md).
"""

import importlib.util
import io
import shutil
import subprocess
import sys
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from services.platform.migrations import alembic_config
from services.platform.settings import ROOT, Service

EXCLUDED = (
    # No client reads the database while it is migrated.
    "renaming-column",
    "renaming-table",
    "renaming-object",
    "ban-drop-constraint",
    "ban-drop-function",
    "adding-foreign-key-constraint",
    "adding-not-nullable-field",
    "constraint-missing-not-valid",
    "require-concurrent-index-creation",
    # All branches migrate in one transaction behind an advisory lock, for which others wait.
    "require-lock-timeout",
    "require-statement-timeout",
)


def sql_of(file: Path) -> str:
    """Return the SQL that a migration would execute."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    output = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": output}
    )
    with Operations.context(context):
        module.upgrade()
    return output.getvalue()


def main() -> None:
    """Lint the newest migration of every branch; exit with squawk's code."""
    heads = ScriptDirectory.from_config(alembic_config()).get_heads()
    if len(heads) != len(Service):
        sys.exit(f"two migrations follow the same one: {', '.join(sorted(heads))}")
    squawk = shutil.which("squawk", path=str(Path(sys.executable).parent)) or "squawk"
    code = 0
    for service in Service:
        newest = max((ROOT / "migrations" / "versions" / service.value).glob("[0-9]*.py"))
        linted = subprocess.run(
            [
                squawk,
                "--assume-in-transaction",
                "--pg-version=15.0",
                f"--exclude={','.join(EXCLUDED)}",
                f"--stdin-filepath={newest.relative_to(ROOT)}",
            ],
            input=sql_of(newest),
            check=False,
            text=True,
        )
        code = code or linted.returncode
    sys.exit(code)


if __name__ == "__main__":
    main()
