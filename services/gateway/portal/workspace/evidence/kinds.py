"""The kinds of evidence that people record at `/kelola/bukti`, each with the fields of its form."""

from collections.abc import Mapping

from services.assessment.client import (
    Agreement,
    Decision,
    Evidence,
    Observation,
    Programme,
    Recognition,
    Risk,
    Stakeholder,
)
from services.gateway.portal.workspace.evidence.choice_fields import (
    ChoiceField,
    CodesField,
    LevelField,
    ReferenceField,
    ReferencesField,
)
from services.gateway.portal.workspace.evidence.fields import (
    AnswerField,
    TextField,
    TextsField,
    TickField,
)
from services.gateway.portal.workspace.evidence.figures import check_figure
from services.gateway.portal.workspace.evidence.index_kinds import (
    DECLARATION,
    INDEX_LEVEL,
    INDEX_VALUE,
    VERDICT,
)
from services.gateway.portal.workspace.evidence.measured_fields import (
    CountField,
    DayField,
    FigureField,
    PeriodField,
    RupiahField,
)
from services.gateway.portal.workspace.evidence.record_kind import (
    NAME_EN,
    NOTE,
    PASSAGE,
    PERIOD,
    RecordKind,
    name_field,
)
from services.gateway.portal.workspace.evidence.vocabulary import (
    INSTRUMENTS,
    LEVELS,
    PROCEDURES,
    SECTOR_NAMES,
    SUBJECTS,
    UNITS,
)
from services.platform.translation import N_, NC_


def _is_programme(record: Evidence) -> bool:
    return isinstance(record, Programme) and record.kind == "programme"


def _is_training(record: Evidence) -> bool:
    return isinstance(record, Programme) and record.kind != "programme"


AGREEMENT = RecordKind(
    "perjanjian",
    Agreement,
    N_("Perjanjian"),
    N_("Catat perjanjian"),
    (
        name_field(
            N_("Judul perjanjian"),
            N_("Nota kesepahaman atau perjanjian kerja sama, dengan nomornya, seperti tertulis."),
        ),
        NAME_EN,
        ReferencesField(
            "pihak",
            "parties",
            N_("Pihak"),
            hint=N_("Yang belum ada di daftar dicatat dulu sebagai pemangku kepentingan."),
            is_required=True,
            least=2,
        ),
        ChoiceField(
            "sektor",
            "partner_sector",
            N_("Sektor mitra"),
            hint=N_("Pihak di samping pemerintah."),
            is_required=True,
            table=SECTOR_NAMES,
        ),
        TextField("pokok", "scope", N_("Isi perjanjian"), is_required=True, is_long=True),
        DayField("ditandatangani", "signed_on", N_("Ditandatangani pada")),
        PERIOD,
        ReferenceField("meneruskan", "renews", N_("Meneruskan perjanjian"), of="agreements"),
        AnswerField("diperpanjang", "renewed", N_("Diperpanjang ketika berakhir")),
        PASSAGE,
        NOTE,
    ),
    may_be_renewed=True,
)
DECISION = RecordKind(
    "keputusan",
    Decision,
    N_("Keputusan"),
    N_("Catat keputusan"),
    (
        name_field(N_("Judul keputusan atau peraturan")),
        NAME_EN,
        TextField(
            "nomor", "number", N_("Nomor"), hint=N_("Seperti tertulis: 724/2022."), is_required=True
        ),
        TextField("tentang", "subject", N_("Tentang"), is_long=True),
        TextsField("kewajiban", "requires", N_("Kewajiban"), hint=N_("Satu kewajiban tiap baris.")),
        CodesField("dasar", "instruments", N_("Membentuk dasar kerja sama"), table=INSTRUMENTS),
        CodesField("prosedur", "procedures", N_("Menetapkan prosedur"), table=PROCEDURES),
        TickField("pengampu", "names_lead_agency", N_("Menetapkan instansi pengampu")),
        TickField(
            "kepada-bupati",
            "lead_reports_to_head",
            N_("Instansi pengampu bertanggung jawab kepada kepala daerah"),
        ),
        PERIOD,
        PASSAGE,
        NOTE,
    ),
    source_kind="decree",
)
PROGRAMME = RecordKind(
    "program",
    Programme,
    N_("Program"),
    N_("Catat program"),
    (
        name_field(N_("Nama program")),
        NAME_EN,
        TextField("dimensi", "dimension", N_("Dimensi kota cerdas")),
        ReferenceField("pelaksana", "owner", N_("Pelaksana")),
        ReferencesField("mitra", "partners", N_("Mitra")),
        TextField("rencana", "plan", N_("Rencana"), is_long=True),
        RupiahField(
            "anggaran",
            "budget_idr",
            N_("Anggaran"),
            hint=N_("Rupiah untuk seluruh masanya: 250.000.000 atau 250 juta."),
        ),
        CountField("pegawai", "staff", N_("Pegawai yang ditugaskan"), most=1_000_000),
        AnswerField("berjalan", "running", N_("Sedang berjalan")),
        PERIOD,
        PASSAGE,
        NOTE,
    ),
    fixed={"kind": "programme"},
    is_of_kind=_is_programme,
)
TRAINING = RecordKind(
    "pelatihan",
    Programme,
    N_("Pelatihan dan sosialisasi"),
    N_("Catat pelatihan"),
    (
        ChoiceField(
            "bentuk",
            "kind",
            N_("Bentuk kegiatan"),
            is_required=True,
            table={
                "training": NC_("meeting", "Pelatihan"),
                "outreach": NC_("meeting", "Sosialisasi"),
            },
            first="training",
        ),
        name_field(N_("Nama kegiatan")),
        NAME_EN,
        ReferenceField("pelaksana", "owner", N_("Penyelenggara")),
        ReferencesField("mitra", "partners", N_("Ikut serta")),
        TextField("rencana", "plan", N_("Rencana"), is_long=True),
        RupiahField(
            "anggaran",
            "budget_idr",
            N_("Anggaran"),
            hint=N_("Rupiah untuk seluruh masanya: 250.000.000 atau 250 juta."),
        ),
        AnswerField("terlaksana", "held", N_("Sudah dilaksanakan")),
        PeriodField(
            "sejak",
            "valid_from",
            N_("Waktu pelaksanaan"),
            labels={
                "sejak": N_("Hari pertama"),
                "sampai": N_("Hari terakhir"),
                "tahun": N_("Tahun saja"),
            },
        ),
        PASSAGE,
        NOTE,
    ),
    is_of_kind=_is_training,
)
RISK = RecordKind(
    "risiko",
    Risk,
    N_("Risiko"),
    N_("Catat risiko"),
    (
        name_field(N_("Risiko"), N_("Apa yang dapat terjadi.")),
        NAME_EN,
        LevelField("kemungkinan", "likelihood", N_("Kemungkinan"), table=LEVELS),
        LevelField("dampak", "impact", N_("Dampak"), table=LEVELS),
        ReferenceField("pemilik", "owner", N_("Penanggung jawab")),
        TextField("mitigasi", "mitigation", N_("Mitigasi"), is_long=True),
        AnswerField("mitigasi-berjalan", "mitigation_under_way", N_("Mitigasi berjalan")),
        DayField("tinjau", "review_on", N_("Ditinjau lagi pada")),
        PeriodField(
            "sejak",
            "valid_from",
            N_("Masa dalam daftar"),
            labels={
                "sejak": N_("Tercatat sejak"),
                "sampai": N_("Tercatat sampai"),
                "tahun": N_("Tahun menurut sumber"),
            },
        ),
        PASSAGE,
        NOTE,
    ),
)
RECOGNITION = RecordKind(
    "penghargaan",
    Recognition,
    N_("Penghargaan"),
    N_("Catat penghargaan"),
    (
        name_field(N_("Nama penghargaan")),
        NAME_EN,
        TextField("pemberi", "given_by", N_("Pemberi"), is_required=True),
        DayField(
            "diberikan",
            "given_on",
            N_("Tanggal diberikan"),
            hint=N_("17 Desember 2026; bila harinya tidak diketahui: Desember 2026, atau 2026."),
            is_required=True,
            is_vague=True,
        ),
        PASSAGE,
        NOTE,
    ),
)
OBSERVATION = RecordKind(
    "pengamatan",
    Observation,
    N_("Pengamatan"),
    N_("Catat pengamatan"),
    (
        ChoiceField("pokok", "subject", N_("Yang diamati"), is_required=True, table=SUBJECTS),
        name_field(N_("Judul pengamatan")),
        NAME_EN,
        TextField(
            "pernyataan",
            "statement",
            N_("Pernyataan sumber"),
            hint=N_("Kata-kata sumbernya; cukup ini bila sumber tidak menyebut angka."),
            is_long=True,
        ),
        ChoiceField("satuan", "unit", N_("Satuan"), table=UNITS),
        FigureField(
            "nilai", "value", N_("Angka"), hint=N_("Seperti 1.234,5 atau 51%%."), unless="numerator"
        ),
        FigureField(
            "terendah", "low", N_("Paling rendah"), hint=N_("Bila sumber menyebut kisaran.")
        ),
        FigureField("tertinggi", "high", N_("Paling tinggi")),
        FigureField(
            "pembilang",
            "numerator",
            N_("Jumlah yang memenuhi"),
            hint=N_("Bila angkanya sekian dari sekian; angkanya dihitung dari keduanya."),
        ),
        FigureField("penyebut", "denominator", N_("Dari seluruhnya")),
        TextField("arti-pembilang", "numerator_of", N_("Yang memenuhi itu apa")),
        TextField("arti-penyebut", "denominator_of", N_("Seluruhnya itu apa")),
        TickField("nihil", "known_absence", N_("Sumber menyatakan tidak ada sama sekali")),
        PeriodField(
            "sejak",
            "valid_from",
            N_("Waktu yang diamati"),
            labels={
                "sejak": N_("Sejak"),
                "sampai": N_("Sampai"),
                "tahun": N_("Tahun menurut sumber"),
            },
        ),
        PASSAGE,
        NOTE,
    ),
    check=check_figure,
)
STAKEHOLDER = RecordKind(
    "pemangku",
    Stakeholder,
    N_("Pemangku kepentingan"),
    N_("Catat pemangku kepentingan"),
    (
        name_field(N_("Nama jabatan atau organisasi"), N_("Jabatan, bukan nama orangnya.")),
        NAME_EN,
        ChoiceField("sektor", "sector", N_("Sektor"), is_required=True, table=SECTOR_NAMES),
        ReferenceField("instansi", "agency", N_("Instansi"), of="agencies"),
        TextField("peran", "role", N_("Peran dalam tim atau forum")),
        ReferenceField(
            "keputusan", "role_decision", N_("Keputusan yang menetapkan perannya"), of="decisions"
        ),
        TickField("pimpinan", "leading", N_("Jabatan pimpinan tim")),
        AnswerField("terisi", "filled", N_("Jabatannya terisi")),
        PERIOD,
        PASSAGE,
        NOTE,
    ),
)
KINDS = (
    AGREEMENT,
    DECISION,
    PROGRAMME,
    TRAINING,
    RISK,
    RECOGNITION,
    OBSERVATION,
    STAKEHOLDER,
    INDEX_LEVEL,
    INDEX_VALUE,
    VERDICT,
    DECLARATION,
)
KIND_BY_SLUG: Mapping[str, RecordKind] = {kind.slug: kind for kind in KINDS}
MODELS = tuple(dict.fromkeys(kind.model for kind in KINDS))


def kind_of(record: Evidence) -> RecordKind:
    """Return the kind of a record of one of the models."""
    return next(
        kind for kind in KINDS if isinstance(record, kind.model) and kind.is_of_kind(record)
    )
