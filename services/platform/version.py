"""The version of the hub and the git commit that it was built from."""

import subprocess
from functools import cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

from services.platform.settings import ROOT

VERSION = version("emall-hub")

UNKNOWN = "unknown"


@cache
def git_commit() -> str:
    """Return the commit, with `-dirty` if a checkout has changes; `unknown` without git.

    A wheel carries it in `services/_build.py`, which `setup.py` writes; a checkout asks git.
    """
    if find_spec("services._build") is not None:
        return str(import_module("services._build").COMMIT)
    if not (ROOT / ".git").exists():
        return UNKNOWN
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        described = subprocess.run(  # noqa: S603
            [*command, "--abbrev=12"], check=True, capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN
    return described.stdout.strip()


def is_of_a_commit() -> bool:
    """Return whether the commit tells all that runs: it is known, and nothing was changed since."""
    commit = git_commit()
    return commit != UNKNOWN and not commit.endswith("-dirty")


def version_mark() -> str:
    """Return what tells this version from others: the version and the commit."""
    return f"{VERSION} {git_commit().removesuffix('-dirty')}"
