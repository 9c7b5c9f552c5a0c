"""`/appearance.css` and `/lambang`: colours, band and arms of the regency, from its pack."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from itertools import groupby
from urllib.parse import quote

from fastapi import Request, Response

from services.gateway.portal.assets import IMMUTABLE_FOR_A_YEAR
from services.gateway.regency.loaded_pack import find_pack_file
from services.platform.appearance import Appearance, Colours, Motif
from services.platform.database import ReadSessionDep
from services.platform.problems import NotFound
from services.platform.regency import find_regency
from services.platform.router import Router
from services.platform.service import get_region
from services.platform.settings import Service

router = Router(include_in_schema=False)

PATH = "/appearance.css"
ARMS_PATH = "/lambang"
CACHE = "public, max-age=3600"
ONLY_A_PICTURE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""For who opens the image by its own address."""
OWN_COLOURS = Colours(
    primary="#0b5d4e", primary_dark="#43b79e", accent="#8a4b00", accent_dark="#ffc46b"
)
"""Those of a regency whose pack names none, as in `emall.css`."""
SQUARE = 2
"""Pixels of a square of the motif on a page."""


@router.get(PATH)
async def appearance(request: Request, session: ReadSessionDep, v: str = "") -> Response:
    """Return the style sheet; one requested by its content address is immutable for a year."""
    regency = await find_regency(session, Service.gateway, get_region(request))
    own = Appearance() if regency is None else regency.appearance or Appearance()
    is_current = appearance_address(own) == f"{PATH}?v={v}"
    return Response(
        style_sheet(own),
        media_type="text/css",
        headers={"Cache-Control": IMMUTABLE_FOR_A_YEAR if is_current else "no-cache"},
    )


@router.get(ARMS_PATH)
async def arms(request: Request, session: ReadSessionDep) -> Response:
    """Return the regency's arms as the image of its pack, which was checked when it was loaded."""
    region = get_region(request)
    regency = await find_regency(session, Service.gateway, region)
    own = None if regency is None or regency.appearance is None else regency.appearance.arms
    content = None if own is None else await find_pack_file(session, region, own.file)
    if own is None or content is None:
        raise NotFound("The pack of this regency has no arms.")
    return Response(
        content,
        media_type=own.media_type,
        headers={"Cache-Control": CACHE, "Content-Security-Policy": ONLY_A_PICTURE},
    )


def appearance_address(own: Appearance) -> str:
    """Return the address of a regency's style sheet, which changes with its content."""
    digest = hashlib.blake2b(style_sheet(own).encode(), digest_size=6).hexdigest()
    return f"{PATH}?v={digest}"


def style_sheet(own: Appearance) -> str:
    """Return the style sheet of an appearance, for light, dark and printed pages."""
    return _style_sheet(own.model_dump_json())


@lru_cache(maxsize=4)
def _style_sheet(content: str) -> str:
    own = Appearance.model_validate_json(content)
    colours = own.colours or OWN_COLOURS
    light = {"p": colours.primary, "a": colours.accent}
    dark = {"p": colours.primary_dark, "a": colours.accent_dark}
    rules = [
        f"@media screen{{:root{{--main:{light['p']};--accent:{light['a']}}}}}",
        "@media screen and (prefers-color-scheme:dark)"
        f"{{:root{{--main:{dark['p']};--accent:{dark['a']}}}}}",
    ]
    if own.motif is not None:
        height = SQUARE * len(own.motif.rows)
        rules += [
            f'.top::after{{content:"";display:block;height:{height}px;'
            f"background:{_picture(own.motif, light)} 0 0/auto 100% repeat-x}}",
            "@media screen and (prefers-color-scheme:dark)"
            f"{{.top::after{{background-image:{_picture(own.motif, dark)}}}}}",
            # In grey print the two colours differ by their tone.
            "@media print{.top::after{print-color-adjust:exact;"
            f"background-image:{_picture(own.motif, {'p': '#000000', 'a': '#777777'})}}}}}",
        ]
    return "\n".join(rules) + "\n"


def _picture(motif: Motif, colours: Mapping[str, str]) -> str:
    return f'url("data:image/svg+xml,{quote(draw_motif(motif, colours), safe=" =:/")}")'


def draw_motif(motif: Motif, colours: Mapping[str, str]) -> str:
    """Return one repeat of a motif as SVG, a unit to the square; `colours` by letter."""
    paths = dict.fromkeys(colours, "")
    for y, row in enumerate(motif.rows):
        for letter, squares in groupby(enumerate(row), key=lambda square: square[1]):
            run = [x for x, _ in squares]
            if letter in paths:
                paths[letter] += f"M{run[0]} {y}.5h{len(run)}"
    width, height = len(motif.rows[0]), len(motif.rows)
    drawn = "".join(
        f"<path stroke='{colours[letter]}' d='{path}'/>" for letter, path in paths.items() if path
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
        f"viewBox='0 0 {width} {height}' shape-rendering='crispEdges'>{drawn}</svg>"
    )
