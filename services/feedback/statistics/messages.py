"""What is said to people who fill in a sheet of statistics, in Indonesian and English."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["id", "en"]

_FAULTS: Mapping[str, tuple[str, str]] = {
    "not_a_number": (
        "{value} bukan angka; tulis bilangan bulat seperti 412, atau kosongkan bila belum tahu",
        "{value} is no number; write a whole number such as 412, or leave it empty if not known",
    ),
    "fraction": (
        "{value} bukan bilangan bulat; bila maksudnya ribuan, tulis tanpa titik dan koma",
        "{value} is no whole number; if thousands are meant, write it without points and commas",
    ),
    "negative": (
        "{value} kurang dari nol; tulis jumlah permohonan, paling sedikit 0",
        "{value} is less than nothing; write the number of applications, at least 0",
    ),
    "too_many": (
        "{value} terlalu besar; paling besar 1.000.000.000",
        "{value} is too large; at most 1,000,000,000",
    ),
    "dash": (
        "tanda hubung tidak jelas; tulis 0 bila tidak ada, kosongkan bila belum tahu",
        "a dash is not clear; write 0 for none, leave it empty if not known",
    ),
    "not_a_month": (
        "{value} bukan bulan; tulis seperti 2024-03 atau Maret 2024",
        "{value} is no month; write it as 2024-03 or March 2024",
    ),
    "not_begun": (
        "bulan ini belum mulai; bulan terbaru adalah {newest}",
        "this month has not begun; the newest month is {newest}",
    ),
    "not_a_channel": (
        "{value} bukan kanal; pilih salah satu: {known}",
        "{value} is no channel; choose one of: {known}",
    ),
    "not_a_service": (
        "{value} bukan layanan {agency}; pilih dari lembar Pilihan{close}",
        "{value} is no service of {agency}; choose from the sheet Pilihan{close}",
    ),
    "other_agency": (
        "{value} instansi lain; kunci ini untuk {agency} saja",
        "{value} is another agency; this key is for {agency} alone",
    ),
    "empty": (
        "kosong, padahal baris ini berisi angka; isi {column}",
        "is empty, though this row holds figures; fill in {column}",
    ),
    "said_twice": (
        "berisi {value}, tetapi {other} berisi {before} untuk hal yang sama; pilih satu",
        "says {value}, but {other} says {before} of the same; keep one of them",
    ),
    "no_reason": (
        "angka berubah ({changes}); tulis alasannya di kolom alasan",
        "figures change ({changes}); write why in the column alasan",
    ),
    "reason_too_long": (
        "alasan terlalu panjang; paling banyak 300 huruf",
        "the reason is too long; at most 300 letters",
    ),
    "bad_reason": (
        "alasan berisi huruf yang tidak dapat disimpan; tulis ulang",
        "the reason holds letters that cannot be kept; write it again",
    ),
    "unknown_column": (
        "{value} bukan kolom templat; hapus kolom ini atau pakai judul: {known}",
        "{value} is no column of the template; delete it or use one of: {known}",
    ),
    "column_twice": (
        "{value} dan {other} berarti sama; hapus salah satu",
        "{value} and {other} mean the same; delete one of them",
    ),
    "no_table": (
        "tidak ada lembar dengan kolom layanan, kanal, dan bulan di baris pertama; "
        "unduh templat dan isi di sana",
        "no sheet has the columns layanan, kanal and bulan in its first row; "
        "download the template and fill it in",
    ),
    "no_figures": (
        "belum ada angka yang diisi; isi sedikitnya satu baris",
        "no figure is filled in; fill in at least one row",
    ),
    "too_many_statistics": (
        "lebih dari {most} baris terisi; kirim dalam beberapa berkas",
        "more than {most} rows are filled; send several files",
    ),
    "too_large": (
        "berkas terlalu besar setelah dibuka; kirim lebih sedikit baris",
        "the file is too large when unpacked; send fewer rows",
    ),
    "not_a_workbook": (
        "bukan buku kerja XLSX; simpan sebagai .xlsx dan kirim lagi",
        "is no XLSX workbook; save it as .xlsx and send it again",
    ),
    "old_workbook": (
        "ini format Excel lama (.xls); simpan sebagai .xlsx dan kirim lagi",
        "this is the old format of Excel (.xls); save it as .xlsx and send it again",
    ),
    "not_a_table": (
        "bukan XLSX dan bukan CSV; unduh templat dan isi di sana",
        "is neither XLSX nor CSV; download the template and fill it in",
    ),
    "too_many_rows": (
        "lebih dari 20.000 baris; kirim dalam beberapa berkas",
        "more than 20,000 rows; send several files",
    ),
    "nothing": ("berkas kosong", "the file is empty"),
}

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


def fault_text(language: Language, code: str, **values: object) -> str:
    """A fault with its remedy, in words."""
    said = _FAULTS[code][language == "en"]
    return said.format(**{name: _shown(value) for name, value in values.items()})


def _shown(value: object) -> object:
    """A text of somebody else's, short enough to stand in a sentence."""
    if not isinstance(value, str):
        return value
    return value if len(value) <= 80 else f"{value[:77]}..."
