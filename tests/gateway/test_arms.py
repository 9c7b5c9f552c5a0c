"""The arms of a regency: in the header of its pages, and as an image that runs nothing."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from services.cli.pack_loader import read_pack
from services.platform.packs import PackError
from services.platform.settings import Settings
from tests.conftest import TOBA, Hub
from tests.rows import rows

DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'
ARMS = {"file": "lambang.svg", "name": "Lambang Kabupaten <Toba>", "note": "Perda; gambar baru."}


def store_arms(settings: Settings, drawing: str = DRAWING) -> None:
    """Store what loading a pack with these arms stores."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("lambang.svg")
        entry.size = len(drawing)
        tar.addfile(entry, io.BytesIO(drawing.encode()))
    rows(
        settings,
        "INSERT INTO gateway.loaded_pack (region, name, archive) VALUES ($1, 'toba', $2) "
        "ON CONFLICT (region) DO UPDATE SET archive = excluded.archive",
        settings.region,
        archive.getvalue(),
    )
    rows(
        settings,
        "UPDATE gateway.regency SET content = jsonb_set(content, '{appearance,arms}', $1::jsonb)",
        json.dumps(ARMS),
    )


def test_the_header_shows_the_arms_of_the_pack(toba_hub: Hub) -> None:
    before = toba_hub.client.get("/tentang").text
    assert 'class="arms"' not in before
    assert toba_hub.client.get("/lambang").status_code == 404
    store_arms(toba_hub.settings)
    page = toba_hub.client.get("/bantuan").text
    assert '<img class="arms" src="/lambang" alt="Lambang Kabupaten &lt;Toba&gt;"' in page
    image = toba_hub.client.get("/lambang")
    assert image.text == DRAWING
    assert image.headers["content-type"] == "image/svg+xml; charset=utf-8"
    assert image.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in image.headers["content-security-policy"]
    assert "script-src" not in image.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("drawing", "message"),
    [
        (None, "appearance.arms.file: there is no such file beside pack.yaml"),
        (
            DRAWING.replace("<path", "<script/><path"),
            "appearance.arms.file: contains the element script, which does more than draw",
        ),
    ],
)
def test_a_pack_with_other_arms_is_refused_with_the_field(
    tmp_path: Path, drawing: str | None, message: str
) -> None:
    head = (TOBA / "pack.yaml").read_text()
    arms = "appearance:\n  arms: " + json.dumps(ARMS)
    (tmp_path / "pack.yaml").write_text(head.replace("appearance:", arms, 1))
    if drawing is not None:
        (tmp_path / "lambang.svg").write_text(drawing)
    with pytest.raises(PackError) as refused:
        read_pack(tmp_path)
    assert message in str(refused.value)
