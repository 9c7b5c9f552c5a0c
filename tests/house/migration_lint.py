"""`make lint`: every branch has one head, and squawk reads the SQL of its migrations since `SINCE`.

During an upgrade processes of the version before work on the migrated database: a migration only
adds. One that removes or renames what the version before uses is a contraction: it stands in a
release after the one that stopped using it, and each of its statements is marked, with the reason
and that release, by `-- squawk-ignore` and the name of the rule. Older migrations have run and do
not change any more.
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

SINCE = {
    Service.gateway: "0016",
    Service.catalog: "0007",
    Service.feedback: "0021",
    Service.assessment: "0011",
}
"""The first migrations for which this holds; before them an upgrade stopped the hub."""
EXCLUDED = (
    # They lock for as long as they run; requests wait for that, or are answered from the cache.
    "adding-foreign-key-constraint",
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


def lint(squawk: str, file: Path) -> int:
    """Return squawk's code for a migration."""
    return subprocess.run(
        [
            squawk,
            "--assume-in-transaction",
            "--pg-version=15.0",
            f"--exclude={','.join(EXCLUDED)}",
            f"--stdin-filepath={file.relative_to(ROOT)}",
        ],
        input=sql_of(file),
        check=False,
        text=True,
    ).returncode


def main() -> None:
    """Lint the migrations of every branch since `SINCE`; exit with squawk's code."""
    heads = ScriptDirectory.from_config(alembic_config()).get_heads()
    if len(heads) != len(Service):
        sys.exit(f"two migrations follow the same one: {', '.join(sorted(heads))}")
    squawk = shutil.which("squawk", path=str(Path(sys.executable).parent)) or "squawk"
    code = 0
    for service in Service:
        files = sorted((ROOT / "migrations" / "versions" / service.value).glob("[0-9]*.py"))
        for file in files:
            if file.name >= SINCE[service]:
                code = lint(squawk, file) or code
    sys.exit(code)


if __name__ == "__main__":
    main()
