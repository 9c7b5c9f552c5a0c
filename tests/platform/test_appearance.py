"""A regency's colours and motif: what a pack may say, and the style sheet made from it."""

from pathlib import Path

import pytest

from services.gateway.portal.appearance import OWN_COLOURS, draw_motif, style_sheet
from services.gateway.portal.assets import STATIC
from services.platform.appearance import (
    DARK_GROUNDS,
    LIGHT_GROUNDS,
    Appearance,
    Motif,
)
from services.platform.contrast import contrast_ratio
from services.platform.packs import Pack, PackError, parse, read_yaml
from tests.conftest import TOBA


def pack_with(folder: Path, changed: str, to: str) -> Pack:
    """Return the head of the Toba pack with one text replaced."""
    content = (TOBA / "pack.yaml").read_text()
    assert changed in content
    (folder / "pack.yaml").write_text(content.replace(changed, to))
    return parse(read_yaml(folder / "pack.yaml", folder), Pack)


def test_the_contrast_is_that_of_the_standard() -> None:
    assert contrast_ratio("#000000", "#ffffff") == pytest.approx(21)
    assert contrast_ratio("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize(
    ("changed", "to", "message"),
    [
        (
            'primary: "#0b5d4e"',
            'primary: "#43b79e"',
            "appearance.colours.primary: its contrast with the background #ffffff is only 2.47:1; "
            "at least 4.5:1",
        ),
        (
            'accent_dark: "#e58a97"',
            'accent_dark: "#8c1d2f"',
            "appearance.colours.accent_dark: its contrast with the background #121a18 is only "
            "1.97:1; at least 3:1",
        ),
        ('accent: "#8c1d2f"', "accent: red", "appearance.colours.accent: "),
        ('"p...a..."', '"p...a.."', "row 2 has 7 squares; all rows must have 8 squares"),
        ('"p...a..."', '"p...x..."', "appearance.motif.rows[1]: "),
    ],
)
def test_what_cannot_be_read_or_drawn_is_refused_with_its_field(
    tmp_path: Path, changed: str, to: str, message: str
) -> None:
    with pytest.raises(PackError) as refused:
        pack_with(tmp_path, changed, to)
    assert message in str(refused.value)


def test_the_backgrounds_are_those_of_the_style_sheet() -> None:
    light, dark = (STATIC / "emall.css").read_text().splitlines()[:2]
    for ground in LIGHT_GROUNDS:
        assert f": {ground};" in light
    for ground in DARK_GROUNDS:
        assert f": {ground};" in dark
    assert f"--main: {OWN_COLOURS.primary};" in light
    assert f"--main: {OWN_COLOURS.primary_dark};" in dark


def test_a_motif_is_drawn_in_light_dark_and_print_and_only_if_there_is_one() -> None:
    motif = Motif(name="Uji", note="Uji.", rows=["pp.", ".aa"])
    drawn = draw_motif(motif, {"p": "#000000", "a": "#777777"})
    assert "M0 0.5h2" in drawn
    assert "M1 1.5h2" in drawn
    assert style_sheet(Appearance(motif=motif)).count("data:image/svg+xml") == 3
    assert ".top" not in style_sheet(Appearance(colours=OWN_COLOURS))
