"""A small disk for the database of a run: a file system in memory, which a case fills."""

import os
import subprocess
from pathlib import Path

SIZE = "768m"


class Disk:
    """A tmpfs of its own where root may mount one; else a folder, which cannot be filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        folder.chmod(0o711)
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=711", "tmpfs", str(folder)]
        self.is_mounted = (
            os.geteuid() == 0
            and subprocess.run(command, capture_output=True, check=False).returncode == 0
        )

    def fill(self) -> None:
        """Leave no byte free."""
        with self._filler.open("wb") as file:
            found = os.statvfs(self.folder)
            os.posix_fallocate(file.fileno(), 0, found.f_bavail * found.f_frsize)

    def free(self) -> None:
        """Free what `fill` took."""
        self._filler.unlink(missing_ok=True)

    def unmount(self) -> None:
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False)

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"
