"""The words of the pages, in Indonesian and English."""

from collections.abc import Mapping

from services.platform.languages import Language

COMPONENT_NAMES: Mapping[str, tuple[str, str]] = {
    "persyaratan": ("Persyaratan", "Requirements"),
    "sistem_mekanisme_prosedur": ("Sistem, mekanisme, dan prosedur", "Procedure"),
    "jangka_waktu": ("Jangka waktu pelayanan", "Processing time"),
    "biaya_tarif": ("Biaya/tarif", "Fee"),
    "produk_pelayanan": ("Produk pelayanan", "What you get"),
    "penanganan_pengaduan": ("Penanganan pengaduan, saran, dan masukan", "Complaints"),
    "dasar_hukum": ("Dasar hukum", "Legal basis"),
    "sarana_prasarana": ("Sarana, prasarana, dan/atau fasilitas", "Facilities"),
    "kompetensi_pelaksana": ("Kompetensi pelaksana", "Competence of the officers"),
    "pengawasan_internal": ("Pengawasan internal", "Internal supervision"),
    "jumlah_pelaksana": ("Jumlah pelaksana", "Number of officers"),
    "jaminan_pelayanan": ("Jaminan pelayanan", "Service guarantee"),
    "jaminan_keamanan": ("Jaminan keamanan dan keselamatan", "Safety and security"),
    "evaluasi_kinerja": ("Evaluasi kinerja pelaksana", "Evaluation of performance"),
}
"""The 14 components of a service standard (PermenPANRB 15/2014), in the regulation's order."""

_WORDS: Mapping[str, tuple[str, str]] = {
    "tagline": (
        "Satu pintu ke semua layanan publik",
        "One door to all public services",
    ),
    "search": ("Cari", "Search"),
    "search_label": ("Apa yang Anda perlukan?", "What do you need?"),
    "search_hint": ("contoh: KTP, akta", "such as: birth"),
    "all_services": ("Semua layanan", "All services"),
    "services": ("Layanan", "Services"),
    "announcements": ("Pengumuman", "Announcements"),
    "home": ("Beranda", "Home"),
    "portals": ("Portal daring", "Online portals"),
    "life_events": ("Menurut peristiwa hidup", "By life event"),
    "agency": ("Instansi", "Agency"),
    "go": ("Buka", "Open"),
    "complain": (
        "Sampaikan pengaduan, pertanyaan, atau saran tentang layanan ini",
        "Complain, ask or comment about this service",
    ),
    "how": ("Cara mengurus", "How to get it"),
    "standard": ("Standar pelayanan", "Service standard"),
    "not_published": ("belum dipublikasikan", "not published yet"),
    "published": ("komponen dipublikasikan", "components published"),
    "sources": ("Sumber", "Sources"),
    "results_for": ("Hasil untuk", "Results for"),
    "nothing": (
        "Tidak ada layanan yang cocok. Coba kata lain, atau lihat semua layanan.",
        "No service fits. Try other words, or see all services.",
    ),
    "found": ("layanan ditemukan", "services found"),
    "more": ("Berikutnya", "Next"),
    "online": ("Daring", "Online"),
    "counter": ("Loket", "Counter"),
    "phone": ("Telepon", "Phone"),
    "visit": ("Kunjungan petugas", "Home visit"),
    "email": ("Surel", "E-mail"),
    "out_of_operation": ("Tidak beroperasi", "Not in operation"),
    "free": ("Gratis", "Free"),
    "working_days": ("hari kerja", "working days"),
    "also_called": ("Juga disebut", "Also called"),
    "changed": ("Diperbarui", "Updated"),
    "version": ("Versi", "Version"),
    "data": ("Data halaman ini (JSON)", "Data of this page (JSON)"),
    "api": ("Untuk pengembang: API", "For developers: API"),
    "about": (
        "Perangkat lunak sumber terbuka; penelusuran tidak memakai kuki.",
        "Open-source software; no cookies are used to count visits.",
    ),
    "contents": ("Isi", "Contents"),
    "needs_key": ("perlu kunci", "needs a key"),
    "skip": ("Langsung ke isi", "Skip to content"),
    "not_found": ("Halaman tidak ditemukan", "Page not found"),
    "not_found_help": (
        "Alamat ini tidak ada. Cari layanan di bawah ini.",
        "There is nothing at this address. Search for a service below.",
    ),
    "unavailable": ("Katalog sedang tidak dapat dibuka", "The catalogue cannot be opened now"),
    "unavailable_help": (
        "Silakan coba lagi beberapa saat, atau datang ke kantor instansi terkait.",
        "Please try again shortly, or visit the agency's office.",
    ),
}


def words_in(language: Language) -> dict[str, str]:
    """Every word of the pages in a language."""
    column = 0 if language == "id" else 1
    return {name: texts[column] for name, texts in _WORDS.items()}


def component_names(language: Language) -> dict[str, str]:
    """The names of the components of a service standard, in their order."""
    column = 0 if language == "id" else 1
    return {code: names[column] for code, names in COMPONENT_NAMES.items()}
