"""Labels of the pages where agencies report: states of a month, counters, channels, errors."""

from collections.abc import Mapping
from datetime import date

from services.platform.translation import N_, Message, Translator

LABELS: Mapping[str, Message] = {
    # the report of a month
    "open": N_("belum, masih ada waktu"),
    "on_time": N_("tepat waktu"),
    "late": N_("terlambat"),
    "missing": N_("belum dilaporkan"),
    "not_asked": N_("tidak diminta"),
    # how certain a plausibility flag is
    "certain": N_("pasti"),
    "likely": N_("kemungkinan besar"),
    "possible": N_("mungkin"),
    # counters
    "submitted": N_("masuk"),
    "in_review": N_("proses"),
    "completed": N_("selesai"),
    "rejected": N_("ditolak"),
    "returned": N_("dikembalikan"),
    # channels
    "online": N_("daring"),
    "counter": N_("loket"),
    "phone": N_("telepon"),
    "visit": N_("kunjungan"),
    "email": N_("surel"),
}

SESSION_OVER = N_("Waktu 30 menit sudah habis, atau sesi ini diakhiri. Silakan masuk lagi.")
NO_FILE = N_("Pilih berkas dulu.")
TOO_LARGE = N_("Berkas lebih besar dari 2 MB.")
WRONG_NAME = N_(
    "Isi berkas tidak cocok dengan namanya. Simpan lembar kerja sebagai .xlsx, .ods, atau .csv, "
    "lalu unggah lagi."
)


def short_month(period: str, messages: Translator) -> str:
    """Return a month such as 2024-03 in few letters, such as `Mar 2024`."""
    return messages.short_month(date.fromisoformat(f"{period}-01"))
