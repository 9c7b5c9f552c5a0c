"""Error messages and instructions for the statistics template."""

from collections.abc import Mapping

from services.platform.languages import Language
from services.platform.translation import N_, Message, translator

CELL_ERRORS: Mapping[str, Message] = {
    "not_a_number": N_(
        "%(value)s bukan angka; tulis bilangan bulat seperti 412, atau kosongkan bila belum tahu"
    ),
    "fraction": N_(
        "%(value)s bukan bilangan bulat; bila maksudnya ribuan, tulis tanpa titik dan koma"
    ),
    "negative": N_("%(value)s kurang dari nol; tulis jumlah permohonan, paling sedikit 0"),
    "too_many": N_("%(value)s terlalu besar; paling besar 1.000.000.000"),
    "dash": N_("tanda hubung tidak jelas; tulis 0 bila tidak ada, kosongkan bila belum tahu"),
    "not_a_month": N_("%(value)s bukan bulan; tulis seperti 2024-03 atau Maret 2024"),
    "not_begun": N_("bulan ini belum mulai; bulan terbaru adalah %(latest)s"),
    "not_a_channel": N_("%(value)s bukan kanal; pilih salah satu: %(known)s"),
    "not_a_service": N_("%(value)s bukan layanan %(agency)s; pilih dari lembar Pilihan%(close)s"),
    "total_row": N_("%(value)s bukan layanan: ini baris jumlah; hapus baris ini"),
    "other_agency": N_("%(value)s instansi lain; kunci ini untuk %(agency)s saja"),
    "empty": N_("kosong, padahal baris ini berisi angka; isi %(column)s"),
    "conflicting_values": N_(
        "berisi %(value)s, tetapi %(other)s berisi %(other_value)s untuk hal yang sama; pilih satu"
    ),
    "missing_reason": N_("angka berubah (%(changes)s); tulis alasannya di kolom alasan"),
    "reason_without_figures": N_(
        "ada alasan, tetapi baris ini tidak berisi angka; isi angkanya, atau kosongkan alasan"
    ),
    "reason_too_long": N_("alasan terlalu panjang; paling banyak 300 huruf"),
    "invalid_reason": N_("alasan berisi huruf yang tidak dapat disimpan; tulis ulang"),
    "unknown_column": N_(
        "%(value)s bukan kolom templat; hapus kolom ini atau pakai judul: %(known)s"
    ),
    "duplicate_column": N_("%(value)s dan %(other)s berarti sama; hapus salah satu"),
    "no_table": N_(
        "tidak ada lembar dengan judul kolom layanan, kanal, dan bulan; unduh templat dan isi di "
        "sana"
    ),
    "no_table_in_sheet": N_(
        "lembar ini berisi angka tetapi tidak punya judul kolom layanan, kanal, dan bulan; beri "
        "judul kolom, atau hapus lembar ini dari berkas"
    ),
    "no_figures": N_("belum ada angka yang diisi; isi sedikitnya satu baris"),
    "too_many_statistics": N_("lebih dari %(limit)s baris terisi; kirim dalam beberapa berkas"),
}
"""Error messages with their remedy, by error code."""

INSTRUCTIONS: tuple[str, ...] = (
    "Isi lembar Statistik: satu baris untuk satu bulan, satu layanan, dan satu kanal.",
    "Baris yang masih harus dilaporkan sudah tersedia. Baris tanpa angka dilewati.",
    "masuk (submitted): permohonan yang diterima dalam bulan itu.",
    "proses (in_review): permohonan yang belum selesai pada akhir bulan itu.",
    "selesai (completed): permohonan yang selesai dalam bulan itu.",
    "ditolak (rejected): permohonan yang ditolak dalam bulan itu.",
    "dikembalikan (returned): permohonan yang dikembalikan untuk dilengkapi dalam bulan itu.",
    "Tulis 0 bila tidak ada. Kosongkan bila belum tahu: kosong tidak sama dengan nol.",
    "Bulan ditulis 2024-03 atau Maret 2024. Layanan dan kanal dipilih dari lembar Pilihan.",
    "Untuk membetulkan angka, isi angka yang benar dan tulis alasannya di kolom alasan. "
    "Angka lama tetap tersimpan.",
    "Jangan menulis nama, NIK, atau data pribadi siapa pun.",
    "Simpan sebagai XLSX atau CSV, lalu unggah di halaman /unggah. "
    "Berkas diterima seluruhnya atau ditolak seluruhnya; yang sama dua kali tidak terhitung dua.",
)


def error_text(language: Language, code: str, **values: object) -> str:
    """Return the message of an error with its remedy."""
    shown = {name: _shorten(value) for name, value in values.items()}
    return translator(language).translate(CELL_ERRORS[code], **shown)


def _shorten(value: object) -> object:
    """Shorten a user's text so that it fits into a sentence."""
    if not isinstance(value, str):
        return value
    return value if len(value) <= 80 else f"{value[:77]}..."
