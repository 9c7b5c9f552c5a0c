"""`emall run` loads a pack only if this version has not loaded these very files."""

import asyncio
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from services.cli import pack_loader
from services.cli.database import in_gateway_transaction
from services.cli.pack_loader import load_pack
from services.gateway.regency import loaded_pack
from services.gateway.regency.loaded_pack import is_loaded
from services.platform.database import WriteSession
from services.platform.settings import Settings
from tests.conftest import TOBA


@pytest.fixture(autouse=True)
def _of_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as a version whose commit is known, also in a checkout with changes."""
    monkeypatch.setattr(loaded_pack, "is_of_a_commit", lambda: True)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Provide the Toba pack in a folder of the test's own."""
    return Path(shutil.copytree(TOBA, tmp_path / "toba"))


def loaded(settings: Settings, root: Path) -> bool:
    async def ask(session: WriteSession, _: datetime) -> bool:
        return await is_loaded(session, settings.region, root)

    return asyncio.run(in_gateway_transaction(settings, ask))


def test_the_same_files_are_loaded_once(settings: Settings, pack: Path) -> None:
    assert loaded(settings, pack)


def test_a_file_that_changed_came_or_went_is_loaded(settings: Settings, pack: Path) -> None:
    with (pack / "links.yaml").open("a") as file:
        file.write("\n")
    assert not loaded(settings, pack)
    shutil.copy(TOBA / "links.yaml", pack / "links.yaml")
    assert loaded(settings, pack)
    (pack / "links.yaml").rename(pack / "tautan.yaml")
    assert not loaded(settings, pack)


def test_another_version_may_read_more_of_the_same_files(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded_pack, "version_mark", lambda: "0.2.0 0123456789ab")
    assert not loaded(settings, TOBA)


def test_a_checkout_with_changes_loads_each_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded_pack, "is_of_a_commit", lambda: False)
    assert not loaded(settings, TOBA)


def test_a_hub_without_a_pack_loads_it(empty: Settings) -> None:
    assert not loaded(empty, TOBA)


def test_a_load_that_broke_off_is_done_again(
    settings: Settings, pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (pack / "links.yaml").open("a") as file:
        file.write("\n")

    async def break_off(*_: object, **__: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(pack_loader, "load_evidence", break_off)
        with pytest.raises(ConnectionError):
            asyncio.run(load_pack(settings, pack))
    assert not loaded(settings, pack)
    assert asyncio.run(load_pack(settings, pack)) == []
    assert loaded(settings, pack)
