"""The files of the pack that was loaded last, for backups and exports."""

import asyncio
import hashlib
import io
import tarfile
from pathlib import Path

from sqlalchemy import text

from services.platform.database import ReadSession, WriteSession
from services.platform.version import is_of_a_commit, version_mark

STORE = """
-- Stores the files of a pack, if they are others than before.
INSERT INTO gateway.loaded_pack (region, name, archive) VALUES (:region, :name, :archive)
ON CONFLICT (region) DO UPDATE SET name = excluded.name, archive = excluded.archive
WHERE (loaded_pack.name, loaded_pack.archive) IS DISTINCT FROM (excluded.name, excluded.archive)
"""

FIND = """
-- The files of the pack that was loaded last.
SELECT archive FROM gateway.loaded_pack WHERE region = :region
"""

IS_LOADED = """
-- Whether the pack that was loaded last is this one.
SELECT name = :name AND sha256(archive) = :digest FROM gateway.loaded_pack WHERE region = :region
"""


async def is_loaded(session: ReadSession | WriteSession, region: str, root: Path) -> bool:
    """Return whether this version of the hub loaded these very files last.

    A checkout with changes of its own, or without a commit, does not know its version: False.
    """
    if not await asyncio.to_thread(is_of_a_commit):
        return False
    name, archive = await asyncio.to_thread(pack_archive, root)
    given = {"region": region, "name": name, "digest": hashlib.sha256(archive).digest()}
    return bool(await session.scalar(text(IS_LOADED), given))


async def find_loaded_pack(session: ReadSession, region: str) -> bytes | None:
    """Return the files of the pack that was loaded last; None if none was."""
    return await session.scalar(text(FIND), {"region": region})


async def find_pack_file(session: ReadSession, region: str, name: str) -> bytes | None:
    """Return a file of the pack that was loaded last; None if it has none of this name."""
    archive = await find_loaded_pack(session, region)
    if archive is None:
        return None
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        try:
            member = tar.extractfile(name)
        except KeyError:
            return None
        return None if member is None else member.read()


async def store_loaded_pack(session: WriteSession, region: str, name: str, archive: bytes) -> None:
    """Store the files of a pack, as `pack_archive` returns them."""
    await session.execute(text(STORE), {"region": region, "name": name, "archive": archive})


def pack_archive(root: Path) -> tuple[str, bytes]:
    """Return the name of a pack's folder and its files as a tar file.

    The same files give the same archive in the same version of the hub, which a comment names:
    another version may read more of them.
    """
    output = io.BytesIO()
    comment = {"comment": version_mark()}
    with tarfile.open(
        fileobj=output, mode="w", format=tarfile.PAX_FORMAT, pax_headers=comment
    ) as tar:
        for file in sorted(root.rglob("*")):
            if file.is_file() and not file.is_symlink():
                entry = tarfile.TarInfo(file.relative_to(root).as_posix())
                content = file.read_bytes()
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return root.resolve().name, output.getvalue()
