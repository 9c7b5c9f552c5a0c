"""The form of a service, and what follows from what was typed."""

import re
import unicodedata
from collections.abc import Sequence, Set
from datetime import date

from services.gateway.portal.labels import CHANNELS, STANDARD_COMPONENTS
from services.gateway.portal.workspace.catalog.fields import (
    ChoiceField,
    DurationField,
    Field,
    LinesField,
    MapField,
    PartField,
    PickField,
    PicksField,
    RecordForm,
    RowsField,
    Section,
    TextField,
    TickField,
    TicksField,
)
from services.gateway.portal.workspace.catalog.values import Content
from services.platform.translation import N_, NC_, Message

IN_ENGLISH = N_("Dalam bahasa Inggris")
ARTICLE = N_("Pasal atau halaman")
SOURCES_HINT = N_("Ketik bagian judulnya, lalu pilih dari daftar.")


def _text(name: str, label: Message, *, rows: int = 2, is_required: bool = False) -> TextField:
    return TextField(name=name, label=label, rows=rows, is_required=is_required)


def both(name: str, label: Message, *, rows: int = 2, is_required: bool = False) -> list[Field]:
    """Return a text in Indonesian and in English."""
    return [
        _text(name, label, rows=rows, is_required=is_required),
        _text(f"{name}_en", IN_ENGLISH, rows=rows, is_required=is_required),
    ]


SOURCES = PicksField(
    name="sources", label=N_("Sumber"), hint=SOURCES_HINT, table="sources", is_required=True
)
LEGAL_BASIS = PartField(
    name="legal_basis",
    label=N_("Dasar hukum"),
    fields=[
        PickField(
            name="source", label=N_("Peraturan"), table="sources", hint=SOURCES_HINT,
            is_required=True,
        ),
        _text("article", ARTICLE, rows=1),
    ],
)  # fmt: skip
REQUIREMENTS = RowsField(
    name="requirements",
    label=N_("Persyaratan"),
    item=N_("Persyaratan"),
    fields=[
        PickField(name="document", label=N_("Dokumen"), table="documents"),
        *both("text", N_("Dengan kata-kata, atau keterangan dokumen")),
    ],
)
STEPS = RowsField(
    name="steps",
    label=N_("Langkah pemohon"),
    item=N_("Langkah"),
    fields=both("text", N_("Yang dilakukan pemohon"), is_required=True),
)
TARIFFS = RowsField(
    name="tariffs",
    label=N_("Biaya"),
    item=N_("Biaya"),
    fields=[
        TextField(
            name="amount",
            label=N_("Rupiah"),
            hint=N_("0 bila gratis; kosong bila dihitung seperti tertulis di bawah."),
            number="integer",
        ),
        *both("item", N_("Untuk apa dibayar"), is_required=True),
        LEGAL_BASIS,
    ],
)
TIME = PartField(
    name="time",
    label=N_("Waktu penyelesaian"),
    fields=[
        DurationField(
            name="duration",
            label=N_("Lamanya sejak berkas lengkap"),
            working_days="in_working_days",
            is_required=True,
        ),
        LEGAL_BASIS,
    ],
)
COMPONENT: Sequence[Field] = [
    *both("text", N_("Isi komponen"), rows=4, is_required=True),
    LinesField(name="items", label=N_("Butir-butirnya"), hint=N_("Satu butir sebaris.")),
    LinesField(name="items_en", label=N_("Butir-butirnya dalam bahasa Inggris")),
    SOURCES,
    TextField(name="checked_on", label=N_("Terakhir diperiksa"), type="date"),
]

SERVICE_FORM = RecordForm(
    [
        Section(
            N_("Nama dan keterangan"),
            [
                *both("name", N_("Nama layanan"), rows=1, is_required=True),
                *both("summary", N_("Keterangan singkat"), rows=3, is_required=True),
                ChoiceField(
                    name="status",
                    label=NC_("service", "Keadaan"),
                    options={
                        "active": NC_("service", "Berjalan"),
                        "inactive": NC_("service", "Belum dapat digunakan"),
                    },
                    default="active",
                ),
                LinesField(
                    name="common_names",
                    label=N_("Sebutan sehari-hari"),
                    hint=N_("Satu sebutan sebaris: KTP, KTP hilang. Pencarian menemukannya."),
                ),
                TicksField(
                    name="audience",
                    label=N_("Untuk siapa"),
                    options={
                        "citizen": N_("Warga"),
                        "business": N_("Pelaku usaha"),
                        "organisation": N_("Organisasi"),
                        "government": N_("Pemerintah"),
                    },
                    is_required=True,
                ),
                TicksField(name="life_events", label=N_("Peristiwa hidup"), table="life_events"),
                *both("eligibility", N_("Siapa yang berhak")),
            ],
        ),
        Section(N_("Kasus, persyaratan, dan langkah"), [
            RowsField(
                name="cases",
                label=N_("Kasus"),
                hint=N_("Bila yang dibawa atau biayanya berbeda: hilang, rusak, baru."),
                item=N_("Kasus"),
                fields=[
                    *both("name", N_("Nama kasus"), rows=1, is_required=True),
                    *both("applies_when", N_("Kapan berlaku")),
                    REQUIREMENTS,
                    STEPS,
                    TARIFFS,
                    TIME,
                    SOURCES,
                    TextField(name="checked_on", label=N_("Terakhir diperiksa"), type="date"),
                ],
            ),
            STEPS,
        ]),
        Section(N_("Biaya, waktu, dan hasil"), [
            TARIFFS,
            TIME,
            RowsField(
                name="outputs",
                label=N_("Hasil layanan"),
                item=N_("Hasil"),
                fields=[
                    PickField(name="document", label=N_("Dokumen"), table="documents"),
                    *both("name", N_("Dengan kata-kata, bila bukan dokumen"), rows=1),
                    DurationField(name="validity", label=N_("Berlaku selama")),
                    TickField(name="valid_for_life", label=N_("Berlaku seumur hidup")),
                ],
            ),
        ]),
        Section(N_("Saluran dan tempat"), [
            RowsField(
                name="channels",
                label=N_("Saluran"),
                item=N_("Saluran"),
                fields=[
                    ChoiceField(
                        name="kind", label=N_("Cara"), options=CHANNELS, is_required=True
                    ),
                    PickField(name="link", label=N_("Portal, bila daring"), table="links"),
                    TextField(name="address", label=N_("Nomor telepon atau alamat surel")),
                    *both("note", N_("Keterangan")),
                ],
                is_required=True,
            ),
            TicksField(name="places", label=N_("Tempat layanan"), table="places"),
            *both("places_decided_by", N_("Yang menentukan tempatnya, bila berubah"), rows=1),
        ]),
        Section(N_("Standar pelayanan"), [
            MapField(
                name="components",
                label=N_("Komponen standar pelayanan"),
                hint=N_("Yang kosong tampil sebagai belum dipublikasikan."),
                fields=[
                    PartField(name=code, label=label, fields=COMPONENT)
                    for code, label in STANDARD_COMPONENTS.items()
                ],
            ),
        ]),
        Section(N_("Sumber dan pemeriksaan"), [
            SOURCES,
            TextField(
                name="owner",
                label=N_("Unit yang memelihara catatan ini"),
                hint=N_("Nama unit atau jabatan, bukan nama orang."),
            ),
            TextField(name="assured_until", label=N_("Dijamin benar sampai"), type="date"),
            _text("note", N_("Catatan")),
        ]),
    ]
)  # fmt: skip


def complete(content: Content, *, agency: str, checked_on: date | None) -> Content:
    """Return a service with what the form does not ask for.

    Whether it is digital follows from its channels, the names of cases in addresses from those in
    words, and who checked it from the agency. With `checked_on` all of it counts as checked then.
    """
    channels, cases = _objects(content, "channels"), _objects(content, "cases")
    components = content.get("components")
    checked = [*cases, *(_objects(content, "components") if components else [])]
    for each in checked:
        _complete_check(each, agency=agency, checked_on=checked_on)
    taken = {str(each["slug"]) for each in cases if each.get("slug")}
    for each in cases:
        if not each.get("slug") and each.get("name"):
            slug = slug_of(str(each["name"]), taken)
            taken.add(slug)
            each["slug"] = slug
    return content | {
        "agency": content.get("agency") or agency,
        "digital": any(each.get("kind") == "online" for each in channels),
    }


def slug_of(name: str, taken: Set[str] = frozenset()) -> str:
    """Return the name of a record in addresses, made from its name in words."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall("[a-z0-9]+", plain))[:76].strip("-")
    numbered = (slug if n == 1 else f"{slug}-{n}" for n in range(1, 1000))
    return next((one for one in numbered if one not in taken), slug)


def _complete_check(part: Content, *, agency: str, checked_on: date | None) -> None:
    if checked_on is not None:
        part["checked_on"] = checked_on.isoformat()
    if part.get("checked_on") is None:
        part["checked_by"] = None
    elif part.get("checked_by") is None or checked_on is not None:
        part["checked_by"] = agency
    articles, sources = part.get("articles"), part.get("sources")
    if isinstance(articles, dict) and isinstance(sources, list):
        part["articles"] = {key: text for key, text in articles.items() if key in sources}


def _objects(content: Content, name: str) -> list[Content]:
    value = content.get(name)
    listed = list(value.values()) if isinstance(value, dict) else value
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
