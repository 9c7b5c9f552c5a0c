"""What each kind of poster says."""

from collections.abc import Mapping
from typing import Any

from services.gateway.portal.posters.codes import PosterKind
from services.gateway.portal.posters.layout import Wording

SCAN = "Arahkan kamera ponsel ke kode di atas."

STEPS: Mapping[PosterKind, tuple[str, str, str]] = {
    "layanan": (
        SCAN,
        "Baca syarat, biaya, dan waktunya.",
        "Pilih cara mengurus: daring atau datang ke kantor.",
    ),
    "survei": (
        SCAN,
        "Jawab beberapa pertanyaan singkat.",
        "Kirim. Nama Anda tidak ditanya dan tidak disimpan.",
    ),
}
ABOUT: Mapping[PosterKind, str] = {
    "layanan": "Cara mengurus",
    "survei": "Bagaimana pelayanan kami?",
    "kantor": "Bagaimana pelayanan kantor ini?",
}
ENGLISH: Mapping[PosterKind, str] = {
    "layanan": "Scan the code to see what this service asks for, costs and takes.",
    "survei": "Scan the code to tell us how this service was. No name is asked.",
    "kantor": "Scan the code to tell us how this office served you. No name is asked.",
}


def wording_of_service(kind: PosterKind, detail: Mapping[str, Any], *, place: str) -> Wording:
    """The words of a poster about a service, as the catalogue tells of it."""
    service, agency = detail["service"], detail["agency"]
    return _wording(
        kind,
        place=place,
        name=service["name"],
        name_en=service["name_en"],
        agency=agency["short_name"],
    )


def wording_of_office(agency: Mapping[str, Any], *, place: str) -> Wording:
    """The words of a poster that hangs in an office."""
    return _wording(
        "kantor",
        place=place,
        name=agency["name"],
        name_en=agency["name_en"],
        agency=agency["short_name"],
    )


def _wording(kind: PosterKind, *, place: str, name: str, name_en: str, agency: str) -> Wording:
    return Wording(
        place=place,
        about=ABOUT[kind],
        name=name,
        name_en=name_en,
        agency=agency,
        steps=STEPS["layanan" if kind == "layanan" else "survei"],
        typed="Tanpa kamera? Ketik alamat ini di peramban:",
        english=ENGLISH[kind],
    )
