"""The sheets of the catalogue's spreadsheet, and the field of a record behind each column.

A record is a row of the main sheet of its kind. Its lists are rows of further sheets, which name
the record, and where needed its case or channel. Headings are Indonesian, as the offices that fill
them in speak.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from services.catalog.records import ComponentCode

Kind = Literal["service", "place", "document_type", "source"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Container = Literal["record", "case", "channel"]
"""What a list of a record is in: the record itself, or one of its cases or channels."""

Form = Literal["text", "lines", "keys", "articles", "number", "decimal", "date", "clock", "yes_no"]
"""How a cell holds a value: `lines` are texts with line breaks between, `keys` are separated by
semicolons, and `articles` are lines such as `uu-24-2013: Pasal 64`."""

YES, NO = "ya", "tidak"


@dataclass(frozen=True)
class Field:
    """A column, and the field that it holds."""

    heading: str
    path: tuple[str, ...]
    form: Form = "text"
    note: str = ""
    required: bool = False
    default: str | bool | None = None
    """What an empty cell means, besides no value."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Words for the codes of a field that has a few."""


@dataclass(frozen=True)
class SheetSpec:
    """A sheet: the records of a kind, or one of their lists."""

    name: str
    kind: Kind
    fields: tuple[Field, ...]
    list_field: str = ""
    """Field that holds the list; empty for the records themselves."""
    within: tuple[Container, ...] = ("record",)
    key: Field | None = None
    """Column of the key, if the field is a mapping and no list."""

    @property
    def is_main(self) -> bool:
        """Whether a row is a record."""
        return not self.list_field

    @property
    def position(self) -> tuple[str, ...]:
        """Headings that say to what a row belongs."""
        if self.is_main:
            return ()
        owners = [OWNER[self.kind]]
        owners += [CONTAINERS[each] for each in self.within if each != "record"]
        if self.list_field == "channels":
            owners.append(CONTAINERS["channel"])
        return tuple(owners)

    @property
    def headings(self) -> tuple[str, ...]:
        """All headings, in their order."""
        key = () if self.key is None else (self.key.heading,)
        version = (VERSION,) if self.is_main else ()
        return (*self.position, *key, *(each.heading for each in self.fields), *version)


VERSION = "versi"
"""Heading of the version from which a row was made; empty for a new record."""
OWNER: Mapping[Kind, str] = {
    "service": "layanan",
    "place": "tempat",
    "document_type": "dokumen",
    "source": "sumber",
}
"""Heading of the record's key in the sheets of its lists."""
CONTAINERS: Mapping[Container, str] = {"case": "kasus", "channel": "kanal ke"}
"""Headings of a case's key and a channel's number."""

CHANNELS = {
    "online": "daring",
    "counter": "loket",
    "phone": "telepon",
    "visit": "kunjungan",
    "email": "surel",
}
STATUS = {"active": "aktif", "inactive": "tidak aktif"}
AUDIENCE = {
    "citizen": "warga",
    "business": "usaha",
    "organisation": "organisasi",
    "government": "pemerintah",
}
SOURCE_KINDS = {
    "law": "undang-undang",
    "government_regulation": "peraturan pemerintah",
    "presidential_regulation": "peraturan presiden",
    "ministerial_regulation": "peraturan menteri",
    "regional_regulation": "peraturan daerah",
    "decree": "keputusan",
    "court_ruling": "putusan pengadilan",
    "study": "kajian",
    "publication": "terbitan",
    "website": "situs web",
    "dataset": "kumpulan data",
}

_KEYS = "Beberapa kode dipisah dengan titik koma."
_LINES = "Satu isi tiap baris di dalam sel (Alt+Enter)."
_DURATION = "Seperti P14D (14 hari), P6M (6 bulan), PT30M (30 menit)."

NAMES = (
    Field("nama", ("name",), required=True),
    Field("nama (Inggris)", ("name_en",), required=True),
)
SOURCES = Field("sumber", ("sources",), "keys", _KEYS, required=True)
NOTE = Field("catatan", ("note",))
CHECKED = (
    SOURCES,
    Field("pasal", ("articles",), "articles", "Satu tiap baris: kode sumber: Pasal 15."),
    Field("diperiksa tanggal", ("checked_on",), "date"),
    Field("diperiksa oleh", ("checked_by",), note="Kode instansi."),
)
TIME = (
    Field("waktu", ("time", "duration"), note=_DURATION),
    Field("hari kerja", ("time", "in_working_days"), "yes_no", default=False),
    Field("dasar waktu", ("time", "legal_basis", "source"), note="Kode sumber."),
    Field("pasal waktu", ("time", "legal_basis", "article")),
)


def _translations(name: str, kind: Kind, *, within: tuple[Container, ...]) -> SheetSpec:
    return SheetSpec(
        name,
        kind,
        (
            Field("nama", ("name",)),
            Field("ringkasan", ("summary",)),
            Field("berlaku bila", ("applies_when",)),
        ),
        list_field="translations",
        within=within,
        key=Field("bahasa", (), note="Kode bahasa, seperti bbc.", required=True),
    )


SHEETS: tuple[SheetSpec, ...] = (
    SheetSpec(
        "Layanan",
        "service",
        (
            Field("kode", ("slug",), note="Nama tetap di alamat: huruf kecil dan -", required=True),
            Field("instansi", ("agency",), note="Kode instansi.", required=True),
            *NAMES,
            Field("ringkasan", ("summary",), required=True),
            Field("ringkasan (Inggris)", ("summary_en",), required=True),
            Field("status", ("status",), default="active", labels=STATUS),
            Field("untuk", ("audience",), "keys", _KEYS, required=True, labels=AUDIENCE),
            Field("nama lain", ("common_names",), "lines", _LINES),
            Field("peristiwa", ("life_events",), "keys", _KEYS),
            Field("siapa boleh", ("eligibility",)),
            Field("siapa boleh (Inggris)", ("eligibility_en",)),
            *TIME,
            Field("tempat", ("places",), "keys", _KEYS),
            Field("tempat ditentukan oleh", ("places_decided_by",)),
            Field("tempat ditentukan oleh (Inggris)", ("places_decided_by_en",)),
            Field("layanan sebelumnya", ("requires",), "keys", _KEYS),
            Field("layanan lanjutan", ("followed_by",), "keys", _KEYS),
            Field("layanan terkait", ("related",), "keys", _KEYS),
            Field("penanggung jawab", ("owner",), note="Unit atau jabatan, bukan nama orang."),
            Field("dijamin sampai", ("assured_until",), "date"),
            SOURCES,
            NOTE,
        ),
    ),
    SheetSpec(
        "Kanal",
        "service",
        (
            Field("kanal", ("kind",), required=True, labels=CHANNELS),
            Field("tautan", ("link",), note="Kode tautan; hanya untuk daring."),
            Field("tempat", ("places",), "keys", _KEYS),
            Field("alamat", ("address",), note="Surel atau nomor telepon kanal ini."),
            Field("catatan", ("note",)),
            Field("catatan (Inggris)", ("note_en",)),
            *TIME,
        ),
        list_field="channels",
    ),
    SheetSpec(
        "Kasus",
        "service",
        (
            Field("kode", ("slug",), required=True),
            *NAMES,
            Field("berlaku bila", ("applies_when",)),
            Field("berlaku bila (Inggris)", ("applies_when_en",)),
            *TIME,
            *CHECKED,
        ),
        list_field="cases",
    ),
    SheetSpec(
        "Syarat",
        "service",
        (
            Field("dokumen", ("document",), note="Kode jenis dokumen."),
            Field("syarat", ("text",)),
            Field("syarat (Inggris)", ("text_en",)),
        ),
        list_field="requirements",
        within=("case", "channel"),
    ),
    SheetSpec(
        "Langkah",
        "service",
        (
            Field("langkah", ("text",), required=True),
            Field("langkah (Inggris)", ("text_en",), required=True),
        ),
        list_field="steps",
        within=("record", "case"),
    ),
    SheetSpec(
        "Tarif",
        "service",
        (
            Field("tarif", ("amount",), "number", "Bilangan bulat; 0 bila gratis."),
            Field("mata uang", ("currency",), default="IDR"),
            Field("untuk", ("item",), required=True),
            Field("untuk (Inggris)", ("item_en",), required=True),
            Field("dasar hukum", ("legal_basis", "source"), note="Kode sumber.", required=True),
            Field("pasal", ("legal_basis", "article")),
        ),
        list_field="tariffs",
        within=("record", "case", "channel"),
    ),
    SheetSpec(
        "Produk",
        "service",
        (
            Field("dokumen", ("document",), note="Kode jenis dokumen."),
            Field("produk", ("name",)),
            Field("produk (Inggris)", ("name_en",)),
            Field("berlaku selama", ("validity",), note=_DURATION),
            Field("seumur hidup", ("valid_for_life",), "yes_no", default=False),
        ),
        list_field="outputs",
    ),
    SheetSpec(
        "Standar",
        "service",
        (
            Field("isi", ("text",), required=True),
            Field("isi (Inggris)", ("text_en",), required=True),
            Field("butir", ("items",), "lines", _LINES),
            Field("butir (Inggris)", ("items_en",), "lines", _LINES),
            Field("waktu", ("duration",), note=_DURATION),
            Field("hari kerja", ("working_days",), "number"),
            Field("tarif", ("fee_idr",), "number", "Rupiah; 0 bila gratis."),
            Field(
                "umum",
                ("general",),
                "yes_no",
                "ya bila peraturan menetapkannya untuk semua layanan sejenis.",
                default=False,
            ),
            *CHECKED,
        ),
        list_field="components",
        key=Field(
            "komponen",
            (),
            required=True,
            note="Komponen standar pelayanan (PermenPANRB 15/2014).",
            labels={code: code for code in get_args(ComponentCode)},
        ),
    ),
    _translations("Terjemahan layanan", "service", within=("record", "case")),
    SheetSpec(
        "Tempat",
        "place",
        (
            Field("kode", ("slug",), required=True),
            Field("instansi", ("agency",), note="Kode instansi.", required=True),
            *NAMES,
            Field("dipastikan", ("confirmed",), "yes_no", required=True),
            Field("alamat", ("address",)),
            Field("lintang", ("coordinates", "latitude"), "decimal"),
            Field("bujur", ("coordinates", "longitude"), "decimal"),
            Field("kecamatan", ("district",), note="Kode kecamatan, seperti 12.12.01."),
            Field("telepon", ("telephone",)),
            Field("whatsapp", ("whatsapp",)),
            Field("surel", ("email",)),
            Field("aksesibilitas", ("accessibility",)),
            Field("aksesibilitas (Inggris)", ("accessibility_en",)),
            Field("loket", ("counters",), "lines", _LINES),
            NOTE,
            Field("catatan (Inggris)", ("note_en",)),
            SOURCES,
        ),
    ),
    SheetSpec(
        "Jam buka",
        "place",
        (
            Field("hari", ("byday",), "keys", "MO; TU; WE ..., atau 2TU: Selasa kedua.", True),
            Field("buka", ("opens",), "clock", "Seperti 08:00.", required=True),
            Field("tutup", ("closes",), "clock", "Seperti 16:00.", required=True),
            Field("hari libur", ("on_holidays",), "yes_no", default=False),
            Field("mulai", ("valid_from",), "date"),
            Field("sampai", ("valid_until",), "date"),
        ),
        list_field="hours",
    ),
    SheetSpec(
        "Jam khusus",
        "place",
        (
            Field("tanggal", ("on",), "date", required=True),
            Field("buka", ("opens",), "clock", "Kosong bila tutup sepanjang hari."),
            Field("tutup", ("closes",), "clock"),
            Field("alasan", ("reason",)),
            Field("alasan (Inggris)", ("reason_en",)),
            Field("sumber", ("sources",), "keys", _KEYS),
        ),
        list_field="exceptions",
    ),
    _translations("Terjemahan tempat", "place", within=("record",)),
    SheetSpec(
        "Dokumen",
        "document_type",
        (
            Field("kode", ("slug",), required=True),
            *NAMES,
            Field("diterbitkan layanan", ("issued_by_service",), note="Kode layanan."),
            Field("penerbit", ("issued_by",), note="Bila bukan layanan di katalog ini."),
            Field("penerbit (Inggris)", ("issued_by_en",)),
            SOURCES,
        ),
    ),
    _translations("Terjemahan dokumen", "document_type", within=("record",)),
    SheetSpec(
        "Sumber",
        "source",
        (
            Field("kode", ("id",), required=True),
            Field("judul", ("title",), required=True),
            Field("jenis", ("kind",), required=True, labels=SOURCE_KINDS),
            Field("penerbit", ("publisher",)),
            Field("tahun", ("year",), "number"),
            Field("alamat web", ("url",)),
            Field("sha256", ("sha256",)),
            Field("berlaku mulai", ("in_force_from",), "date"),
            Field("berlaku sampai", ("in_force_until",), "date"),
            Field("diubah oleh", ("amended_by",), "keys", _KEYS),
            NOTE,
        ),
    ),
)

MAIN: Mapping[Kind, SheetSpec] = {sheet.kind: sheet for sheet in SHEETS if sheet.is_main}
KEY_FIELD: Mapping[Kind, Field] = {kind: sheet.fields[0] for kind, sheet in MAIN.items()}
LISTS: Mapping[Kind, tuple[SheetSpec, ...]] = {
    kind: tuple(sheet for sheet in SHEETS if sheet.kind == kind and not sheet.is_main)
    for kind in KINDS
}
