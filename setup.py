"""Build steps beside pyproject.toml: the data folders and the git commit become package data.

A checkout keeps `migrations/`, `methods/`, `packs/` and `docs/runbook.md` at its top. In a wheel
they are in `services/_data/`, and `services/_build.py` holds the commit, so that both need no
checkout.
"""

import os
import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).parent
DATA_FOLDERS = ("migrations", "methods", "packs")
DATA_FILES = ("docs/runbook.md",)
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


def commit() -> str:
    """Return the commit: `EMALL_BUILD_COMMIT`, what git describes, or what the sdist holds."""
    if given := os.environ.get("EMALL_BUILD_COMMIT"):
        return given
    if (ROOT / ".git").exists():
        command = ["git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
        described = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        if described.returncode == 0:
            return described.stdout.strip()
    names: dict[str, str] = {}
    build = ROOT / "services" / "_build.py"
    if build.exists():
        exec(build.read_text(), names)
    return names.get("COMMIT", "unknown")


def write_commit(folder: Path) -> None:
    """Write `services/_build.py` below a folder that is being built."""
    content = f'"""Written at build time."""\n\nCOMMIT = "{commit()}"\n'
    (folder / "services" / "_build.py").write_text(content)


class BuildWithData(build_py):
    """Copies the data folders and writes the commit; an editable install needs neither."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib)
        for name in DATA_FOLDERS:
            folder = target / "services" / "_data" / name
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(ROOT / name, folder, ignore=IGNORED)
        for name in DATA_FILES:
            file = target / "services" / "_data" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, file)
        write_commit(target)


class SourceWithCommit(sdist):
    """Adds the commit to a source distribution, which has no git."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        write_commit(Path(base_dir))


setup(cmdclass={"build_py": BuildWithData, "sdist": SourceWithCommit})
