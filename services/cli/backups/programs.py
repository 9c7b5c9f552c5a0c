"""PostgreSQL's programs for dump and restore: which ones there are, and how they connect."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from services.cli.backups.errors import BackupError
from services.platform.database_address import VARIABLES, DatabaseAddress

DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian installs each major version."""


@dataclass(frozen=True)
class Programs:
    """`pg_dump`, `pg_restore` and `psql` of one version."""

    folder: Path
    major: int

    def path(self, program: str) -> str:
        """Return the path of a program."""
        return str(self.folder / program)


def environment(address: DatabaseAddress) -> dict[str, str]:
    """Return the environment in which a program connects; it has none of the hub's settings.

    Nothing of the address stands on the command line, which other accounts can read.
    """
    kept = ("PATH", "HOME", "LANG", "LC_", "TZ", "LD_LIBRARY_PATH")
    inherited = {name: value for name, value in os.environ.items() if name.startswith(kept)}
    parameters = {
        "host": ",".join(host.name for host in address.hosts),
        "port": ",".join(str(host.port) for host in address.hosts),
        "user": address.user,
        "password": address.password,
        "dbname": address.database,
        "passfile": address.passfile,
        "sslmode": address.tls_mode,
        "target_session_attrs": address.session_attributes,
        "options": address.options,
        **{name: value for name, value in address.tls_parameters if name in VARIABLES},
    }
    own = {VARIABLES[name]: value for name, value in parameters.items() if value is not None}
    return inherited | own


def find_programs(at_least: int, *, embedded: bool) -> Programs:
    """Return the programs of the lowest major version that is at least this one.

    For the embedded database those that come with it; else the system's, or those if none fits.

    Raises:
        BackupError: All that are installed are older.
    """
    if embedded:
        return _embedded()
    installed = _installed()
    fitting = [programs for programs in installed if programs.major >= at_least]
    if fitting:
        return min(fitting, key=lambda programs: programs.major)
    found = ", ".join(f"{one.major} ({one.folder})" for one in installed) or "none"
    raise BackupError(
        f"pg_dump, pg_restore and psql of PostgreSQL {at_least} or later are needed; found: "
        f"{found}. Install postgresql-client-{at_least}"
    )


@cache
def _installed() -> list[Programs]:
    """Return what is installed, the system's first."""
    folders: list[Path] = []
    if (on_path := shutil.which("pg_restore")) is not None:
        folders.append(Path(on_path).parent)
    if DEBIAN.is_dir():
        folders += sorted(DEBIAN.glob("*/bin"))
    found = [
        Programs(folder, major)
        for folder in folders
        if all((folder / name).exists() for name in ("pg_dump", "pg_restore", "psql"))
        and (major := _major_version(folder / "pg_restore")) is not None
    ]
    return [*found, _embedded()]


@cache
def _embedded() -> Programs:
    from services.platform.embedded_postgres import MAJOR_VERSION, program_folder

    return Programs(program_folder(), MAJOR_VERSION)


def _major_version(program: Path) -> int | None:
    try:
        done = subprocess.run(  # noqa: S603
            [str(program), "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\) (\d+)", done.stdout)
    return int(found[1]) if found else None
