"""The kinds of evidence about indices, verdicts of studies, and complete registers."""

from services.assessment.client import (
    Declaration,
    Evidence,
    IndexLevel,
    IndexValue,
    Verdict,
    key_of_level,
)
from services.gateway.portal.workspace.evidence.choice_fields import ChoiceField, ReferenceField
from services.gateway.portal.workspace.evidence.fields import TextField, Values
from services.gateway.portal.workspace.evidence.index_fields import (
    DocumentField,
    IndexLevelField,
    IndicatorField,
    YearField,
)
from services.gateway.portal.workspace.evidence.measured_fields import CountField, FigureField
from services.gateway.portal.workspace.evidence.record_kind import NOTE, PASSAGE, RecordKind
from services.gateway.portal.workspace.evidence.vocabulary import (
    ELEMENTS,
    INDEX_NAMES,
    LEVEL_ROLES,
    REGISTERS,
    VALUE_ROLES,
)
from services.gateway.portal.workspace.written_numbers import write_number
from services.platform.translation import N_, Message, Translator

WORKBOOK = "/kelola/penilaian/indeks"

PROOF = DocumentField("bukti-alamat", "document", N_("Dokumen bukti"))
NEEDED_PROOF = DocumentField(
    "bukti-alamat", "document", N_("Dokumen yang memuatnya"), is_required=True
)


def index_name(index: str, messages: Translator) -> str:
    """Return the short name of an index, or its id."""
    return messages.translate(INDEX_NAMES.get(index, Message(index)))


def _level_key(values: Values) -> str:
    return key_of_level(values["index"], values["year"], values["indicator"], values["role"])


def _level_title(record: Evidence, messages: Translator) -> str:
    if not isinstance(record, IndexLevel):
        return record.key
    names = {
        "index": index_name(record.index, messages),
        "year": record.year,
        "number": record.indicator,
        "level": record.level,
    }
    if record.role == "planned":
        return messages.gettext(
            "%(index)s %(year)s, indikator %(number)s: rencana tingkat %(level)s", **names
        )
    return messages.gettext("%(index)s %(year)s, indikator %(number)s: tingkat %(level)s", **names)


def _level_page(record: Evidence) -> str:
    if not isinstance(record, IndexLevel):
        return WORKBOOK
    return f"{WORKBOOK}/{record.index}/{record.indicator}?tahun={record.year}"


def _value_title(record: Evidence, messages: Translator) -> str:
    if not isinstance(record, IndexValue):
        return record.key
    index = index_name(record.index, messages)
    name = index if record.year is None else f"{index} {record.year}"
    return f"{name}: {messages.translate(VALUE_ROLES[record.role])} {write_number(record.value)}"


def _verdict_title(record: Evidence, messages: Translator) -> str:
    if not isinstance(record, Verdict):
        return record.key
    element = messages.translate(ELEMENTS.get(record.element, Message(record.element)))
    return f"{element} {record.year}: {record.word}"


def _declaration_title(record: Evidence, messages: Translator) -> str:
    if not isinstance(record, Declaration):
        return record.key
    return messages.gettext(
        "Daftar %(year)s lengkap: %(register)s",
        register=messages.translate(REGISTERS[record.register_name]),
        year=record.year,
    )


INDEX_LEVEL = RecordKind(
    "tingkat",
    IndexLevel,
    N_("Tingkat indikator"),
    N_("Catat tingkat indikator"),
    (
        IndicatorField("indikator", "index", N_("Indikator"), is_required=True),
        YearField("tahun", "year", N_("Tahun"), is_required=True),
        ChoiceField(
            "peran",
            "role",
            N_("Dicapai atau direncanakan"),
            is_required=True,
            table=LEVEL_ROLES,
            first="declared",
        ),
        IndexLevelField("tingkat", "level", N_("Tingkat"), is_required=True),
        TextField(
            "catatan",
            "note",
            N_("Penjelasan"),
            hint=N_("Mengapa tingkat ini dicapai menurut kriterianya."),
            is_long=True,
        ),
        PROOF,
        PASSAGE,
    ),
    key_of=_level_key,
    set_once=frozenset({"indikator", "tahun", "peran"}),
    unique=frozenset({"key"}),
    prefilled=frozenset({"indikator", "tahun", "peran"}),
    title=_level_title,
    page_of=_level_page,
    note_label=N_("Catatan asesor internal"),
)
INDEX_VALUE = RecordKind(
    "nilai-indeks",
    IndexValue,
    N_("Nilai indeks"),
    N_("Catat nilai indeks"),
    (
        ReferenceField("indeks", "index", N_("Indeks"), is_required=True, of="indices"),
        ChoiceField(
            "peran",
            "role",
            N_("Jenis nilai"),
            is_required=True,
            table=VALUE_ROLES,
            first="published",
        ),
        YearField(
            "tahun",
            "year",
            N_("Tahun"),
            hint=N_("Hanya batas nasional yang boleh tanpa tahun."),
        ),
        FigureField("nilai", "value", N_("Nilai"), hint=N_("Seperti 2,98."), is_required=True),
        TextField("predikat", "predicate", N_("Predikat"), hint=N_("Seperti tercetak.")),
        NEEDED_PROOF,
        PASSAGE,
        NOTE,
    ),
    unique=frozenset({"key", "year"}),
    prefilled=frozenset({"indeks", "tahun", "peran"}),
    title=_value_title,
    recorders=(),
)
VERDICT = RecordKind(
    "putusan",
    Verdict,
    N_("Penilaian studi"),
    N_("Catat penilaian studi"),
    (
        ChoiceField("unsur", "element", N_("Unsur"), is_required=True, table=ELEMENTS),
        YearField("tahun", "year", N_("Tahun yang dinilai"), is_required=True),
        TextField(
            "kata-studi",
            "word",
            N_("Kata studinya"),
            hint=N_("Seperti tertulis: belum optimal, terlaksana, kurang."),
            is_required=True,
        ),
        TextField("pernyataan", "statement", N_("Pernyataan sumber"), is_long=True),
        TextField(
            "tempat",
            "passage",
            N_("Tempatnya dalam sumber"),
            hint=N_("Halaman, pasal, tabel, atau kalimat."),
            is_required=True,
            is_long=True,
        ),
        NEEDED_PROOF,
        NOTE,
    ),
    source_kind="study",
    title=_verdict_title,
)
DECLARATION = RecordKind(
    "kelengkapan",
    Declaration,
    N_("Pernyataan kelengkapan"),
    N_("Nyatakan daftar lengkap"),
    (
        ChoiceField("daftar", "register_name", N_("Daftar"), is_required=True, table=REGISTERS),
        YearField(
            "tahun",
            "year",
            N_("Tahun"),
            hint=N_("Tahun yang sudah berakhir."),
            is_required=True,
        ),
        CountField(
            "jumlah",
            "entries",
            N_("Jumlah catatan tahun itu"),
            hint=N_("Sesudah ini, yang tidak ada di daftar dihitung tidak ada."),
            is_required=True,
            most=100_000,
        ),
        PASSAGE,
        NOTE,
    ),
    key_of=lambda values: f"{values['register_name']}-{values['year']}",
    set_once=frozenset({"daftar", "tahun"}),
    unique=frozenset({"key"}),
    title=_declaration_title,
    recorders=("lead",),
)
