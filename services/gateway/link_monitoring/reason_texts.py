"""Texts of states and reason codes for citizens."""

from collections.abc import Mapping

from services.gateway.link_monitoring.classify import Reason
from services.platform.languages import Language
from services.platform.translation import N_, Message, translator

REASON_TEXTS: Mapping[Reason, Message] = {
    "dns": N_("alamatnya tidak ditemukan"),
    "tls": N_("sertifikat keamanannya bermasalah"),
    "tls_chain": N_("sertifikat keamanannya tidak lengkap"),
    "tls_expiring": N_("sertifikat keamanannya segera berakhir"),
    "domain_expiring": N_("nama domainnya segera berakhir"),
    "domain_expired": N_("nama domainnya sudah berakhir"),
    "timeout": N_("tidak menjawab pada waktunya"),
    "connection_refused": N_("tidak dapat dihubungi"),
    "connection_reset": N_("sambungannya terputus"),
    "private_address": N_("mengarah ke alamat yang bukan alamat umum"),
    "blocked_port": N_("memakai porta yang tidak diperiksa oleh hub ini"),
    "redirect_loop": N_("pengalihannya berputar-putar"),
    "bad_redirect": N_("pengalihannya salah"),
    "forbidden": N_("menolak diperiksa oleh hub ini"),
    "geo_block": N_("menolak sambungan dari jaringan hub ini"),
    "challenge": N_("meminta pembuktian bahwa pengunjung bukan robot"),
    "login_wall": N_("meminta masuk dengan akun"),
    "not_found": N_("halamannya tidak ada lagi"),
    "client_error": N_("menolak permintaan"),
    "rate_limited": N_("membatasi jumlah permintaan"),
    "server_error": N_("mengalami gangguan di servernya"),
    "suspended": N_("ditangguhkan oleh penyedia hosting"),
    "parked": N_("nama domainnya tidak dipakai lagi atau dijual"),
    "default_page": N_("hanya menampilkan halaman bawaan server"),
    "directory_listing": N_("hanya menampilkan daftar berkas"),
    "maintenance_page": N_("menyatakan sedang dalam pemeliharaan"),
    "application_error": N_("hanya menampilkan pesan kesalahan"),
    "empty_page": N_("halamannya kosong"),
    "incomplete_page": N_("halamannya tidak terkirim utuh"),
    "foreign_page": N_("memuat isi pihak lain, misalnya iklan judi"),
    "unexpected_page": N_("halamannya tidak seperti yang diharapkan"),
    "slow": N_("lambat"),
    "hub_offline": N_("belum diketahui karena jaringan hub ini terputus"),
    "hub_clock": N_("belum diketahui karena jam hub ini mungkin keliru"),
    "not_checked": N_("belum diperiksa"),
}

STATE_NAMES: Mapping[str, Message] = {
    "ok": N_("berfungsi"),
    "caution": N_("perlu perhatian"),
    "broken": N_("terganggu"),
    "pending": N_("belum diketahui"),
}


def reason_text(reason: str | None, language: Language) -> str:
    """Return the text of a reason code; empty if the code is unknown or None."""
    message = REASON_TEXTS.get(reason)  # pyright: ignore[reportArgumentType, reportCallIssue]
    return "" if message is None else translator(language).translate(message)


def short_title(title: str) -> str:
    """Return the part before the colon: `SIMBG` of `SIMBG: persetujuan bangunan gedung`."""
    return title.partition(":")[0].strip()
