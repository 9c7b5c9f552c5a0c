"""The forms of agencies, places and sources."""

from services.gateway.portal.workspace.catalog.fields import (
    ChoiceField,
    LinesField,
    PartField,
    RecordForm,
    RowsField,
    Section,
    TextField,
    TickField,
    TicksField,
)
from services.gateway.portal.workspace.catalog.service_fields import SOURCES, both
from services.platform.translation import N_, NC_

AGENCY_FORM = RecordForm([
    Section(N_("Instansi"), [
        *both("name", N_("Nama lengkap"), rows=1, is_required=True),
        TextField(name="short_name", label=N_("Nama pendek"), is_required=True),
        ChoiceField(
            name="kind",
            label=N_("Jenis"),
            options={
                "dinas": N_("Dinas"),
                "badan": N_("Badan"),
                "sekretariat": N_("Sekretariat"),
                "inspektorat": N_("Inspektorat"),
                "rsud": N_("Rumah sakit daerah"),
                "kecamatan": N_("Kecamatan"),
                "instansi_vertikal": N_("Kantor kementerian atau lembaga"),
                "instansi_provinsi": N_("Instansi provinsi"),
                "badan_hukum_publik": N_("Badan hukum publik"),
                "bumn": N_("BUMN"),
                "bumd": N_("BUMD"),
                "desa": N_("Desa"),
            },
            is_required=True,
        ),
        TextField(name="website", label=N_("Situs web"), type="url"),
        TextField(name="note", label=N_("Catatan"), rows=2),
        SOURCES,
    ]),
])  # fmt: skip

PLACE_FORM = RecordForm([
    Section(N_("Tempat"), [
        *both("name", N_("Nama tempat"), rows=1, is_required=True),
        ChoiceField(
            name="agency", label=N_("Instansi"), table="agencies", is_required=True
        ),
        TickField(
            name="confirmed",
            label=N_("Letaknya pasti"),
            hint=N_("Sebuah sumber menyebut alamatnya. Bila tidak, halaman memberi tanda."),
        ),
        TextField(name="address", label=N_("Alamat"), rows=2),
        ChoiceField(name="district", label=N_("Kecamatan"), table="districts"),
        PartField(
            name="coordinates",
            label=N_("Letak pada peta"),
            fields=[
                TextField(name="latitude", label=N_("Lintang"), number="decimal"),
                TextField(name="longitude", label=N_("Bujur"), number="decimal"),
            ],
        ),
    ]),
    Section(N_("Jam buka"), [
        RowsField(
            name="hours",
            label=N_("Jam buka"),
            hint=N_("Istirahat ditulis sebagai dua baris: sebelum dan sesudahnya."),
            item=N_("Jam"),
            fields=[
                TicksField(
                    name="byday",
                    label=N_("Hari"),
                    options={
                        "MO": N_("Senin"),
                        "TU": N_("Selasa"),
                        "WE": N_("Rabu"),
                        "TH": N_("Kamis"),
                        "FR": N_("Jumat"),
                        "SA": N_("Sabtu"),
                        "SU": N_("Minggu"),
                    },
                    is_required=True,
                ),
                TextField(name="opens", label=N_("Buka"), type="time", is_required=True),
                TextField(name="closes", label=N_("Tutup"), type="time", is_required=True),
                TickField(name="on_holidays", label=N_("Juga pada hari libur")),
            ],
        ),
    ]),
    Section(N_("Kontak dan kemudahan"), [
        TextField(name="telephone", label=N_("Telepon"), type="tel"),
        TextField(name="whatsapp", label=N_("WhatsApp"), type="tel"),
        TextField(name="email", label=N_("Surel"), type="email"),
        *both("accessibility", N_("Kemudahan bagi penyandang disabilitas")),
        LinesField(name="counters", label=N_("Loket"), hint=N_("Satu loket sebaris.")),
        *both("note", N_("Catatan")),
    ]),
    Section(N_("Sumber"), [SOURCES]),
])  # fmt: skip

SOURCE_FORM = RecordForm([
    Section(N_("Sumber"), [
        TextField(
            name="title", label=NC_("source", "Judul"), rows=2, is_required=True,
            hint=N_("Seperti tertulis pada dokumennya."),
        ),
        ChoiceField(
            name="kind",
            label=N_("Jenis"),
            options={
                "law": N_("Undang-undang"),
                "government_regulation": N_("Peraturan pemerintah"),
                "presidential_regulation": N_("Peraturan presiden"),
                "ministerial_regulation": N_("Peraturan menteri"),
                "regional_regulation": N_("Peraturan daerah atau kepala daerah"),
                "decree": N_("Keputusan"),
                "court_ruling": N_("Putusan pengadilan"),
                "study": N_("Penelitian"),
                "publication": N_("Terbitan"),
                "website": N_("Situs web"),
                "dataset": N_("Data"),
            },
            is_required=True,
        ),
        TextField(name="publisher", label=N_("Penerbit")),
        TextField(name="year", label=N_("Tahun"), number="integer"),
        TextField(name="url", label=N_("Alamat di web"), type="url"),
        TextField(name="in_force_from", label=N_("Berlaku sejak"), type="date"),
        TextField(name="in_force_until", label=N_("Berlaku sampai"), type="date"),
    ]),
])  # fmt: skip
