"""Writes the loaded pack as files, with the catalogue as it is stored now."""

import io
import tarfile
from pathlib import Path
from typing import Any

import yaml

from services.catalog.pack_export import PackFiles, catalogue_files
from services.gateway.link_monitoring.link_versions import find_links
from services.gateway.regency.loaded_pack import find_loaded_pack
from services.platform.database import Database
from services.platform.settings import Service, Settings


class NoPackError(Exception):
    """No pack was loaded, so that there is nothing to export."""

    def __init__(self) -> None:
        super().__init__("no pack is loaded; load one with `emall load`")


async def write_pack(settings: Settings, folder: Path) -> int:
    """Write the pack to a new folder; return how many files are as stored now.

    The other files are those of the pack that was loaded last.
    """
    archive = await _read_archive(settings)
    if archive is None:
        raise NoPackError
    database = Database(settings, Service.catalog)
    try:
        async with database.read_session() as session:
            files = await catalogue_files(session, settings.region)
    finally:
        await database.close()
    files["links.yaml"] = {"links": await _read_links(settings)}
    _write(folder, archive, files)
    return len(files)


async def _read_archive(settings: Settings) -> bytes | None:
    database = Database(settings, Service.gateway)
    try:
        async with database.read_session() as session:
            return await find_loaded_pack(session, settings.region)
    finally:
        await database.close()


async def _read_links(settings: Settings) -> list[dict[str, Any]]:
    database = Database(settings, Service.gateway)
    try:
        async with database.read_session() as session:
            links = await find_links(session, settings.region)
    finally:
        await database.close()
    return [link.model_dump(mode="json", exclude_defaults=True) for link in links]


def _write(folder: Path, archive: bytes, files: PackFiles) -> None:
    folder.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    for loaded in folder.glob("services/*.yaml"):
        loaded.unlink()
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        written = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)
        file.write_text(written, encoding="utf-8")
