"""The files of the pack that was loaded last, for backups."""

import io
import tarfile
from pathlib import Path

from sqlalchemy import text

from services.platform.database import WriteSession

STORE = """
-- Stores the files of a pack, if they are others than before.
INSERT INTO gateway.loaded_pack (region, name, archive) VALUES (:region, :name, :archive)
ON CONFLICT (region) DO UPDATE SET name = excluded.name, archive = excluded.archive
WHERE (loaded_pack.name, loaded_pack.archive) IS DISTINCT FROM (excluded.name, excluded.archive)
"""


async def store_loaded_pack(session: WriteSession, region: str, name: str, archive: bytes) -> None:
    """Store the files of a pack, as `pack_archive` returns them."""
    await session.execute(text(STORE), {"region": region, "name": name, "archive": archive})


def pack_archive(root: Path) -> tuple[str, bytes]:
    """Return the name of a pack's folder and its files as a tar file, the same for the same."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in sorted(root.rglob("*")):
            if file.is_file() and not file.is_symlink():
                entry = tarfile.TarInfo(file.relative_to(root).as_posix())
                content = file.read_bytes()
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return root.resolve().name, output.getvalue()
