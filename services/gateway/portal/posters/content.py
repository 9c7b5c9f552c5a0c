"""The texts of each kind of poster."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.catalog.client import AgencyItem, ServiceDetail
from services.gateway.portal.posters.codes import PosterKind
from services.platform.translation import N_, Message, translator

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
SUMMARIES: Mapping[PosterKind, Message] = {
    "layanan": N_("Pindai kode untuk melihat syarat, biaya, dan waktu layanan ini."),
    "survei": N_("Pindai kode untuk menilai layanan ini. Nama Anda tidak ditanya."),
    "kantor": N_("Pindai kode untuk menilai pelayanan kantor ini. Nama Anda tidak ditanya."),
}
"""What the poster is for in one sentence, printed in English."""


@dataclass(frozen=True)
class PosterContent:
    """The texts of a poster."""

    place: str
    about: str
    """What the poster is for, above the name."""
    name: str
    name_en: str
    agency: str
    steps: tuple[str, str, str]
    typed: str
    """The line above the short address."""
    english: str
    """What the poster is for, in English."""


def service_poster(kind: PosterKind, detail: ServiceDetail, *, place: str) -> PosterContent:
    """Return the texts of a poster about a service of the catalogue."""
    service, agency = detail.service, detail.agency
    return _content(
        kind,
        place=place,
        name=service.name,
        name_en=service.name_en,
        agency=agency.short_name,
    )


def office_poster(agency: AgencyItem, *, place: str) -> PosterContent:
    """Return the texts of a poster that hangs in an office."""
    return _content(
        "kantor",
        place=place,
        name=agency.name,
        name_en=agency.name_en,
        agency=agency.short_name,
    )


def _content(
    kind: PosterKind, *, place: str, name: str, name_en: str, agency: str
) -> PosterContent:
    return PosterContent(
        place=place,
        about=ABOUT[kind],
        name=name,
        name_en=name_en,
        agency=agency,
        steps=STEPS["layanan" if kind == "layanan" else "survei"],
        typed="Tanpa kamera? Ketik alamat ini di peramban:",
        english=translator("en").translate(SUMMARIES[kind]),
    )
