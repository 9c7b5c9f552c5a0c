"""The words of the pages for agencies, in Indonesian and English."""

from collections.abc import Mapping
from datetime import date

from services.platform.languages import Language

_WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Unggah statistik bulanan", "Upload monthly statistics"),
    "lead": (
        "Untuk perangkat daerah: laporkan permohonan tiap bulan dengan lembar kerja.",
        "For agencies: report the applications of each month in a spreadsheet.",
    ),
    "key": ("Kunci instansi", "The agency's key"),
    "key_hint": (
        "Kunci tidak disimpan di perangkat ini. Anda dapat mengunggah selama 30 menit.",
        "The key is not kept on this device. You can upload for 30 minutes.",
    ),
    "key_form": ("Kunci berbentuk emk_…; minta pada Diskominfo.", "A key begins with emk_."),
    "enter": ("Masuk", "Enter"),
    "no_key": (
        "Tidak punya kunci? Mintalah tautan unggah pada Diskominfo.",
        "No key? Ask the lead agency for an upload link.",
    ),
    "not_accepted": (
        "Kunci atau tautan ini tidak berlaku: salah, kedaluwarsa, atau dicabut.",
        "This key or link is not in force: wrong, expired or revoked.",
    ),
    "no_scope": (
        "Kunci ini tidak boleh mengirim statistik; minta kunci dengan cakupan usage:write.",
        "This key may not report statistics; ask for one with the scope usage:write.",
    ),
    "link_for": ("Tautan ini untuk", "This link is for"),
    "link_until": ("Berlaku sampai", "In force until"),
    "go_on": ("Lanjutkan", "Go on"),
    "over": (
        "Waktu 30 menit sudah habis atau kunci dicabut. Silakan masuk lagi.",
        "The 30 minutes are over or the key was revoked. Please enter again.",
    ),
    "leave": ("Keluar", "Leave"),
    "template": ("1. Unduh templat", "1. Download the template"),
    "template_lead": (
        "Templat berisi layanan dan bulan yang belum dilaporkan.",
        "The template holds the services and months that are not reported yet.",
    ),
    "as_xlsx": ("Templat XLSX", "Template as XLSX"),
    "as_csv": ("Templat CSV", "Template as CSV"),
    "known": ("Untuk membetulkan: dengan angka terkirim", "To correct: with the figures sent"),
    "file": ("2. Unggah berkas yang sudah diisi", "2. Upload the filled file"),
    "file_label": ("Berkas XLSX atau CSV, paling besar 2 MB", "XLSX or CSV file, at most 2 MB"),
    "check": ("Periksa", "Check"),
    "check_hint": (
        "Belum ada yang disimpan sebelum Anda menyetujui.",
        "Nothing is stored before you confirm.",
    ),
    "no_file": ("Pilih berkas dulu.", "Choose a file first."),
    "too_large": ("Berkas lebih besar dari 2 MB.", "The file is larger than 2 MB."),
    "months": ("Bulan yang dilaporkan", "Months reported"),
    "month": ("Bulan", "Month"),
    "services": ("Layanan", "Services"),
    "due": ("Batas", "Due"),
    "state": ("Keadaan", "State"),
    "open": ("belum, masih ada waktu", "not yet, there is time"),
    "on_time": ("tepat waktu", "on time"),
    "late": ("terlambat", "late"),
    "missing": ("belum dilaporkan", "not reported"),
    "partly": ("sebagian", "partly"),
    "calendar": ("Pengingat untuk kalender (iCalendar)", "Reminders for a calendar (iCalendar)"),
    "flags": ("Angka yang perlu diperiksa", "Figures to look at"),
    "flags_lead": (
        "Angka ini tetap tersimpan. Betulkan lewat unggahan baru, atau jelaskan.",
        "These figures are stored all the same. Correct them by a new upload, or explain.",
    ),
    "certain": ("pasti", "certain"),
    "likely": ("kemungkinan besar", "likely"),
    "possible": ("mungkin", "possible"),
    "explain": ("Penjelasan", "Explanation"),
    "send_explanation": ("Simpan penjelasan", "Keep the explanation"),
    "refused": ("Berkas belum dapat diterima", "The file cannot be taken yet"),
    "refused_lead": (
        "Tidak ada yang disimpan. Perbaiki sel berikut di berkas Anda, lalu unggah lagi.",
        "Nothing was stored. Mend these cells in your file and upload it again.",
    ),
    "sheet": ("Lembar", "Sheet"),
    "row": ("baris", "row"),
    "preview": ("Periksa sebelum dikirim", "Check before it is sent"),
    "added": ("angka baru", "new figures"),
    "revised": ("angka berubah", "changed figures"),
    "unchanged": ("angka sama seperti tersimpan", "figures as they are stored"),
    "confirm": ("Kirim", "Send"),
    "nothing_new": (
        "Semua angka sudah tersimpan; tidak perlu dikirim.",
        "All figures are stored already; there is nothing to send.",
    ),
    "back": ("Kembali", "Back"),
    "service": ("Layanan", "Service"),
    "channel": ("Kanal", "Channel"),
    "measure": ("Angka", "Figure"),
    "value": ("Jumlah", "Count"),
    "was": ("sebelumnya", "before"),
    "and_more": ("dan lainnya:", "and more:"),
    "receipt": ("Diterima", "Received"),
    "receipt_lead": (
        "Statistik tersimpan. Simpan halaman ini sebagai bukti.",
        "The statistics are stored. Keep this page as a receipt.",
    ),
    "agency": ("Instansi", "Agency"),
    "time": ("Waktu", "Time"),
    "file_name": ("Berkas", "File"),
    "fingerprint": ("Sidik SHA-256", "SHA-256 fingerprint"),
    "by": ("Kunci", "Key"),
    "again": ("Unggah lagi", "Upload more"),
    "reporting": ("Pelaporan statistik", "Reporting of statistics"),
    "reporting_lead": (
        "Layanan yang dilaporkan dari yang harus dilaporkan, per instansi dan bulan.",
        "Services reported of those that are owed, by agency and month.",
    ),
    "legend": ("Keterangan", "Legend"),
    "earlier": ("Tahun sebelumnya", "Year before"),
    "later": ("Tahun berikutnya", "Year after"),
    "nobody": ("Belum ada instansi yang wajib melapor.", "No agency owes reports yet."),
    "submitted": ("masuk", "submitted"),
    "in_review": ("proses", "in review"),
    "completed": ("selesai", "completed"),
    "rejected": ("ditolak", "rejected"),
    "returned": ("dikembalikan", "returned"),
    "online": ("daring", "online"),
    "counter": ("loket", "counter"),
    "phone": ("telepon", "phone"),
    "visit": ("kunjungan", "visit"),
    "email": ("surel", "e-mail"),
}

_MONTHS: Mapping[Language, str] = {
    "id": "Jan Feb Mar Apr Mei Jun Jul Agu Sep Okt Nov Des",
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
}


def upload_words(language: Language) -> dict[str, str]:
    """Every word of the pages for agencies in a language."""
    column = 0 if language == "id" else 1
    return {name: texts[column] for name, texts in _WORDS.items()}


def short_month(period: str, language: Language) -> str:
    """A month such as 2024-03 in few letters."""
    month = date.fromisoformat(f"{period}-01")
    return f"{_MONTHS[language].split()[month.month - 1]} {month.year}"
