"""Inventory of personal data: per table its purpose, legal basis, retention, readers and amount.

`emall privacy report` and the page `/privasi` are made from it.

A test compares both lists with the database: a table of a service that is in neither list fails it.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import Field
from sqlalchemy import TextClause, text

from services.platform.api_model import ApiModel
from services.platform.database import Database
from services.platform.settings import Service, Settings
from services.platform.translation import N_, Message, Translator, translator

CONSENT = N_("persetujuan (UU 27/2022, Pasal 20 ayat (2) huruf a)")
PUBLIC_TASK = N_(
    "pelayanan publik dan pelaksanaan kewenangan (UU 27/2022, Pasal 20 ayat (2) huruf e)"
)


class DataDescription(ApiModel):
    """What is held about people in a table, in a language."""

    table: str
    data: str
    purpose: str
    basis: str = Field(description="Legal basis in Law 27/2022 on the protection of personal data.")
    retention: str
    readers: str = Field(description="Who reads it.")


@dataclass(frozen=True)
class PersonalDataTable:
    """A table that holds, or may hold, personal data."""

    service: Service
    table: str
    data: Message
    purpose: Message
    basis: Message
    retention: Message
    readers: Message
    age_column: str
    """Column with the age of a row."""
    condition: str = "true"
    """SQL condition of the rows that still hold personal data."""


PERSONAL_DATA: tuple[PersonalDataTable, ...] = (
    PersonalDataTable(
        Service.feedback,
        "comment_contact",
        N_("alamat surel atau nomor telepon, terenkripsi (AES-256-GCM)"),
        N_("untuk menjawab orang yang memintanya"),
        CONSENT,
        N_(
            "sampai kasus selesai (paling lama setelah setahun tanpa kegiatan) atau persetujuan "
            "dicabut; lalu dihapus seketika, paling lambat dalam 72 jam"
        ),
        N_("instansi yang menangani pesan; setiap pembacaan dicatat"),
        "consented_at",
    ),
    PersonalDataTable(
        Service.feedback,
        "comment",
        N_("isi pesan, dengan lokasi bila diberikan; nama tidak diminta"),
        N_("untuk menangani pengaduan, pertanyaan, dan saran"),
        PUBLIC_TASK,
        N_("%(comment_retention_months)s bulan setelah kasus selesai; lalu isi dan lokasi dihapus"),
        N_(
            "pengirim dengan kunci tiketnya, dan instansi yang menangani pesan; semua orang hanya "
            "bila pengirim mengizinkan dan instansi menerbitkannya, tanpa NIK, nomor KK, nomor "
            "telepon, dan alamat surel"
        ),
        "created_at",
        condition="content <> ''",
    ),
    PersonalDataTable(
        Service.feedback,
        "comment_entry",
        N_("balasan warga dan instansi, serta pelaku dan waktu setiap tindakan"),
        N_("untuk menangani pesan dan mempertanggungjawabkannya"),
        PUBLIC_TASK,
        N_(
            "%(comment_retention_months)s bulan setelah kasus selesai; lalu isinya dihapus, "
            "tetapi catatan persetujuan untuk dihubungi, dengan bunyinya, tetap ada"
        ),
        N_(
            "pengirim dan instansi yang menangani pesan; balasan instansi dibaca siapa pun yang "
            "mengetahui kode tiket"
        ),
        "recorded_at",
        condition="content <> '' AND action <> 'contact_given'",
    ),
    PersonalDataTable(
        Service.feedback,
        "comment_attachment",
        N_("foto tanpa metadata"),
        N_("untuk memahami pengaduan"),
        PUBLIC_TASK,
        N_("%(comment_retention_months)s bulan setelah kasus selesai"),
        N_("pengirim dengan kunci tiketnya, dan instansi yang menangani pesan"),
        "created_at",
    ),
    PersonalDataTable(
        Service.feedback,
        "sender_count",
        N_(
            "hash alamat IP (dan peramban, untuk pesan dan jawaban “Membantu?”), dengan garam baru "
            "setiap hari"
        ),
        N_("agar kiriman beruntun diperiksa dulu"),
        PUBLIC_TASK,
        N_("sampai hari berikutnya, bersama garamnya"),
        N_("tidak seorang pun; hanya dibandingkan oleh program"),
        "day",
    ),
    PersonalDataTable(
        Service.feedback,
        "sender_salt",
        N_("garam hari itu, yang diperlukan untuk mengaitkan hash dengan pengirim"),
        N_("agar kiriman beruntun diperiksa dulu"),
        PUBLIC_TASK,
        N_("sampai hari berikutnya"),
        N_("tidak seorang pun; hanya dibandingkan oleh program"),
        "day",
    ),
    PersonalDataTable(
        Service.feedback,
        "response",
        N_(
            "jawaban survei tanpa nama, sebagian dengan kecamatan, kelompok umur, dan jenis "
            "kelamin; selama menunggu, dengan hash pengirim hari itu"
        ),
        N_("untuk mengukur pengenalan dan kepuasan (PermenPANRB 14/2017)"),
        PUBLIC_TASK,
        N_(
            "tanpa batas; hanya diterbitkan dalam kelompok sedikitnya lima orang; hash dihapus "
            "ketika jawaban diterbitkan atau ditolak"
        ),
        N_("pengelola hub; semua orang hanya jumlah dari sedikitnya lima orang"),
        "answered_on",
    ),
    PersonalDataTable(
        Service.feedback,
        "event",
        N_("peristiwa penggunaan halaman dan aplikasi satu per satu, tanpa pengenal pengguna"),
        N_("untuk menghitung penggunaan"),
        PUBLIC_TASK,
        N_("%(event_retention_months)s bulan; lalu dihapus per bulan penuh"),
        N_("pengelola hub; semua orang hanya jumlahnya"),
        "occurred_at",
    ),
    PersonalDataTable(
        Service.feedback,
        "statistic_draft",
        N_("kode pegawai yang mengisi, mengajukan, menyetujui, dan membuka lagi laporan bulanan"),
        N_("agar laporan disetujui orang kedua dan dapat dipertanggungjawabkan"),
        PUBLIC_TASK,
        N_("selama laporan bulan itu tersimpan"),
        N_("pegawai instansi itu sendiri, dan pengelola hub"),
        "saved_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "oss_message",
        N_("pesan OSS tentang izin: data untuk statistik, dan intisari izin dengan kunci"),
        N_("untuk menghitung izin"),
        PUBLIC_TASK,
        N_("tanpa batas"),
        N_("pengelola hub; semua orang hanya jumlahnya"),
        "received_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "announcement",
        N_(
            "pengumuman di situs pemerintah daerah dan yang ditulis instansi, yang mungkin "
            "menyebut nama orang"
        ),
        N_("agar warga membacanya, juga ketika situs itu tidak dapat dibuka"),
        PUBLIC_TASK,
        N_(
            "dari situs: 500 yang terbaru, dihapus bila situs dikeluarkan dari paket; dari "
            "instansi: sampai ditarik"
        ),
        N_("semua orang, selama diumumkan"),
        "first_seen_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "announcement_draft",
        N_("kode pegawai yang menulis, mengajukan, mengembalikan, dan menerbitkan pengumuman"),
        N_("agar pengumuman diperiksa orang kedua dan dapat dipertanggungjawabkan"),
        PUBLIC_TASK,
        N_("tanpa batas"),
        N_("pengelola hub; pegawai instansi itu tanpa kode"),
        "recorded_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "announcement_version",
        N_("versi pengumuman instansi, yang mungkin menyebut nama orang, dan alasan penarikannya"),
        N_("agar yang pernah diumumkan dapat dipertanggungjawabkan"),
        PUBLIC_TASK,
        N_("tanpa batas"),
        N_("pegawai instansi itu, instansi pengampu, dan pengelola hub"),
        "recorded_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "connector_answer",
        N_("jawaban OSS terakhir tentang izin"),
        N_("agar terjawab ketika OSS tidak tersedia"),
        PUBLIC_TASK,
        N_("sampai jawaban berikutnya atas permintaan yang sama"),
        N_("instansi dengan kunci"),
        "fetched_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "rate_limit_bucket",
        N_("hash alamat klien dengan kunci, dan kapan batas permintaannya pulih"),
        N_("untuk melindungi hub dari beban berlebih"),
        PUBLIC_TASK,
        N_("satu menit setelah permintaan terakhir; tabel tanpa log, jadi tidak masuk cadangan"),
        N_("tidak seorang pun; hanya dibandingkan oleh program"),
        "full_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "api_key",
        N_("hash kunci API instansi, dengan waktu pemakaian terakhir"),
        N_("untuk mengenali instansi dan mempertanggungjawabkan tindakannya"),
        PUBLIC_TASK,
        N_("tanpa batas, dengan akhir kuncinya"),
        N_("pengelola hub dan instansi pemilik kunci"),
        "created_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "person",
        N_(
            "nama dan alamat surel pegawai yang diundang, pengenalnya di penyedia akun, bahasa "
            "surelnya, dan apakah serta kapan terakhir ia mendapat ringkasan harian"
        ),
        N_("agar pegawai dapat masuk, dan tindakannya dapat dipertanggungjawabkan"),
        PUBLIC_TASK,
        N_("tanpa batas; akun yang dinonaktifkan tetap ada, karena log audit merujuknya"),
        N_("pegawai itu sendiri dan pengelola hub"),
        "created_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "person_role",
        N_("peran pegawai di instansinya atau untuk hub, dan siapa yang memberikannya"),
        N_("untuk menentukan apa yang boleh dikerjakan pegawai"),
        PUBLIC_TASK,
        N_("sampai peran dicabut"),
        N_("pegawai itu sendiri dan pengelola hub"),
        "granted_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "person_invitation",
        N_("undangan pegawai: hash tautannya, dan hash kata sandi selama akun belum jadi"),
        N_("agar hanya yang diundang dapat membuat akun"),
        PUBLIC_TASK,
        N_("tanpa batas, tanpa kata sandi begitu dipakai; tautan berlaku 7 hari"),
        N_("pengelola hub, tanpa tautan dan kata sandi"),
        "created_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "person_credential",
        N_("hash kata sandi (argon2id) dan kunci kode masuk, terenkripsi (AES-256-GCM)"),
        N_("untuk memastikan siapa yang masuk"),
        PUBLIC_TASK,
        N_("sampai diganti"),
        N_("tidak seorang pun; hanya dibandingkan oleh program"),
        "password_changed_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "passkey",
        N_("kunci sandi (passkey) pegawai: nama yang ia berikan, kunci publik, kapan dipakai"),
        N_("untuk memastikan siapa yang masuk"),
        PUBLIC_TASK,
        N_("sampai dihapus"),
        N_("pegawai itu sendiri, tanpa kuncinya"),
        "created_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "key_session",
        N_(
            "sesi tautan unggah dan perangkat survei: waktu masuk dan terakhir dipakai, serta "
            "peramban dan sistemnya"
        ),
        N_("agar pemegang tautan melihat dan mengakhiri sesinya"),
        PUBLIC_TASK,
        N_("sampai sesi berakhir: unggahan 30 menit, perangkat 30 hari tanpa dipakai"),
        N_("yang masuk dengan tautan yang sama"),
        "created_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "person_session",
        N_("sesi pegawai: waktu masuk dan terakhir dipakai, serta peramban dan sistemnya"),
        N_("agar pegawai melihat dan mengakhiri sesinya"),
        PUBLIC_TASK,
        N_("30 hari setelah sesi berakhir"),
        N_("pegawai itu sendiri; pengelola hub dapat mengakhirinya"),
        "created_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "handover",
        N_("serah terima pegawai: dari siapa, kepada siapa, peran, dan pekerjaan yang terbuka"),
        N_("agar jelas siapa melanjutkan pekerjaan yang ditinggalkan"),
        PUBLIC_TASK,
        N_("selama akun kedua pegawai itu tersimpan"),
        N_("pengelola hub"),
        "recorded_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "mail_outbox",
        N_(
            "surel kepada pegawai: pokoknya, dan isinya serta undangan kalendernya terenkripsi "
            "(AES-256-GCM), tanpa isi pengaduan"
        ),
        N_("agar pegawai tahu apa yang menunggu, dan menerima tautan undangannya"),
        PUBLIC_TASK,
        N_("isi sampai terkirim; catatan pengirimannya 30 hari"),
        N_("pegawai itu sendiri"),
        "created_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "meeting_attendance",
        N_("nama yang ditulis orang yang hadir di rapat, dengan instansi atau organisasinya"),
        N_("agar pencatat rapat memeriksa siapa yang hadir"),
        PUBLIC_TASK,
        N_("sampai rapatnya dicatat, paling lama 30 hari sesudah rapat"),
        N_("instansi yang merencanakan dan mencatat rapat itu"),
        "entered_at",
    ),
    PersonalDataTable(
        Service.gateway,
        "sign_in_attempt",
        N_("percobaan masuk yang gagal: hash berkunci alamat surel dan alamat IP"),
        N_("untuk menahan penebakan kata sandi"),
        PUBLIC_TASK,
        N_("paling lama dua jam"),
        N_("tidak seorang pun; hanya dihitung oleh program"),
        "at",
    ),
    PersonalDataTable(
        Service.catalog,
        "service_draft",
        N_("kode pegawai yang menulis, mengajukan, menolak, atau menerbitkan konsep layanan"),
        N_("agar perubahan layanan diperiksa orang kedua dan dapat dipertanggungjawabkan"),
        PUBLIC_TASK,
        N_("selama riwayat layanan itu tersimpan"),
        N_("tidak seorang pun; program hanya membandingkannya"),
        "recorded_at",
    ),
    PersonalDataTable(
        Service.assessment,
        "evidence",
        N_("kode pegawai yang mencatat bukti; nama orang tidak diminta"),
        N_("agar bukti dikonfirmasi orang lain dan dapat dipertanggungjawabkan"),
        PUBLIC_TASK,
        N_("selama bukti itu tersimpan"),
        N_("tidak seorang pun; program hanya membandingkannya"),
        "recorded_at",
        "person IS NOT NULL",
    ),
    PersonalDataTable(
        Service.assessment,
        "evidence_attachment",
        N_("berkas yang dilampirkan pada bukti; foto dapat memuat orang, notulensi nama"),
        N_("sebagai bukti pelaksanaan pelayanan publik, yang diperiksa instansi lain"),
        PUBLIC_TASK,
        N_(
            "selama buktinya tersimpan; yang belum dikonfirmasi siapa pun sampai dihapus atau "
            "buktinya ditarik"
        ),
        N_("pegawai yang mencatat atau mengonfirmasi bukti"),
        "added_at",
        "content IS NOT NULL",
    ),
    PersonalDataTable(
        Service.assessment,
        "assessment_draft",
        N_("kode pegawai yang membuat konsep penilaian"),
        N_("agar penilaian diterbitkan orang kedua dan dapat dipertanggungjawabkan"),
        PUBLIC_TASK,
        N_("sampai konsep itu diterbitkan atau dihapus"),
        N_("pegawai yang dapat menilai"),
        "recorded_at",
    ),
    PersonalDataTable(
        Service.assessment,
        "publication",
        N_("kode pegawai yang membuat konsep penilaian dan yang menerbitkannya"),
        N_("agar penilaian diterbitkan orang kedua dan dapat dipertanggungjawabkan"),
        PUBLIC_TASK,
        N_("selama penilaian itu tersimpan"),
        N_("pegawai yang dapat menilai"),
        "published_at",
    ),
)

NO_PERSONAL_DATA: dict[Service, frozenset[str]] = {
    Service.catalog: frozenset(
        {
            "agency",
            "document_type",
            "job_run",
            "key_fingerprint",
            "life_event",
            "link",
            "place",
            "record_version",
            "regency",
            "revision",
            "search_demand",
            "service",
            "service_version",
            "source",
        }
    ),
    Service.assessment: frozenset(
        {
            "assessment",
            "bundle",
            "evidence_state",
            "idempotency_key",
            "job_run",
            "key_fingerprint",
            "method",
            "publisher",
            "regency",
            "scenario",
            "source",
        }
    ),
    Service.feedback: frozenset(
        {
            "regency",
            "job_run",
            "key_fingerprint",
            "comment_bundle",
            "idempotency_key",
            "event_retention",
            "event_id",
            "reporting_obligation",
            "event_dimensions",
            "follow_up",
            "helpfulness",
            "hourly_usage",
            "monthly_usage",
            "dropped_events",
            "rating_token",
            "reference_code",
            "retracted_usage",
            "retraction",
            "statistic",
            "statistic_flag",
            "survey",
            "invitation_token",
            "reported_relations",
            "revision",
            "survey_bundle",
            "survey_invitation",
            "survey_round",
        }
    ),
    Service.gateway: frozenset(
        {
            "audit_line",
            "audit_month",
            "audit_pending",
            "backup",
            "breaker_override",
            "case_notice",
            "connected_source",
            "consumption",
            "idempotency_key",
            "district",
            "incident",
            "incident_update",
            "job_run",
            "key_fingerprint",
            "link",
            "link_check",
            "link_uptime_day",
            "link_version",
            "link_status",
            "link_host",
            "link_response_day",
            "loaded_pack",
            "maintenance",
            "meeting_plan",
            "connector_config",
            "click_outbox",
            "oss_refused_month",
            "poster",
            "recovery_code",
            "regency",
            "reporting_reminder",
            "service",
            "webhook",
            "webhook_delivery",
            "webhook_event",
        }
    ),
}
"""Tables of totals, definitions and operation. The catalogue and the evidence are published data
about services and organisations."""


class StoredData(DataDescription):
    """A table with the amount of data stored now."""

    rows: int
    oldest: str | None = Field(description="Date of the oldest row; null without rows.")


class PrivacyReport(ApiModel):
    """The personal data that the hub stores."""

    region: str
    at: datetime
    tables: list[StoredData]


async def privacy_report(settings: Settings, *, now: datetime) -> PrivacyReport:
    """Count what is stored now, with each service's own database role."""
    tables: list[StoredData] = []
    for service in NO_PERSONAL_DATA:
        database = Database(settings, service)
        try:
            async with database.read_session() as session:
                for table in (each for each in PERSONAL_DATA if each.service is service):
                    count = (
                        await session.execute(_count(table), {"region": settings.region})
                    ).one()
                    described = describe(table, settings, translator("en"))
                    tables.append(StoredData(**dict(described), rows=count.n, oldest=count.oldest))
        finally:
            await database.close()
    return PrivacyReport(region=settings.region, at=now, tables=tables)


def _count(table: PersonalDataTable) -> TextClause:
    return text(
        f"SELECT count(*) AS n, min(CAST({table.age_column} AS date))::text AS oldest "  # noqa: S608
        f"FROM {table.service.value}.{table.table} "
        f"WHERE region = :region AND {table.condition}"
    )


def describe(table: PersonalDataTable, settings: Settings, messages: Translator) -> DataDescription:
    """Return what a table holds about people, with the retention that is set."""
    return DataDescription(
        table=f"{table.service.value}.{table.table}",
        data=messages.translate(table.data),
        purpose=messages.translate(table.purpose),
        basis=messages.translate(table.basis),
        retention=messages.translate(table.retention, **settings.model_dump()),
        readers=messages.translate(table.readers),
    )


def format_report(report: PrivacyReport) -> str:
    """Return the report as text for a person."""
    lines = [f"Personal data in region {report.region} at {report.at:%Y-%m-%d %H:%M %Z}"]
    for table in report.tables:
        oldest = f", the oldest from {table.oldest}" if table.oldest else ""
        lines += ["", f"{table.table}: {table.rows} rows{oldest}", *_details(table)]
    return "\n".join(lines)


def _details(table: StoredData) -> list[str]:
    names = ("data", "purpose", "basis", "retention", "readers")
    return [f"  {name:10}{getattr(table, name)}" for name in names]
