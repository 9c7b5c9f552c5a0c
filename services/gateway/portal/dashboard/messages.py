"""The words of the dashboard, in Indonesian and English."""

from collections.abc import Mapping

from services.platform.languages import Language

_WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Dasbor kolaborasi", "Collaboration dashboard"),
    "of_100": ("dari 100", "of 100"),
    "interval": ("rentang 95%", "95% interval"),
    "no_index": (
        "Indeks tahun ini belum dapat dihitung: bukti belum cukup. Yang belum tercatat tidak "
        "dianggap nol.",
        "There is no index of this year yet: too little evidence. What is not recorded is not "
        "taken as zero.",
    ),
    "live": (
        "Dihitung dari bukti saat ini; belum ada penilaian tersimpan untuk tahun ini, sehingga "
        "angkanya masih dapat berubah.",
        "Computed from the evidence of this moment; no assessment of this year is stored yet, so "
        "the figures may still change.",
    ),
    "stored": ("Penilaian tersimpan pada", "Assessment stored on"),
    "year": ("Tahun", "Year"),
    "show": ("Tampilkan", "Show"),
    "report": ("Laporan", "Report"),
    "as_pdf": ("Laporan PDF", "Report as PDF"),
    "as_csv": ("Nilai CSV", "Scores as CSV"),
    "as_xlsx": ("Nilai XLSX", "Scores as XLSX"),
    "bundle": ("Berkas untuk dihitung ulang", "Bundle to compute it again"),
    "report_language": ("dalam bahasa Indonesia", "in Indonesian"),
    "elements": ("Dimensi dan unsur", "Dimensions and elements"),
    "drivers": ("Pendorong", "Drivers"),
    "name": ("Nama", "Name"),
    "value": ("Nilai", "Value"),
    "range": ("Rentang", "Interval"),
    "coverage": ("Cakupan bukti", "Evidence coverage"),
    "insufficient": ("bukti belum cukup", "not enough evidence"),
    "how_to_read": (
        "Nilai 0–100. Bilah menunjukkan nilai; garis di dalamnya rentang ketidakpastiannya. "
        "Cakupan ialah bagian indikator yang memiliki bukti.",
        "Values are 0–100. The bar shows the value, the line in it how far it could be off. "
        "Coverage is the share of indicators that have evidence.",
    ),
    "indices": ("Indeks yang terbit", "Published indices"),
    "printed": ("Predikat tercetak", "Predicate as printed"),
    "by_ranges": ("Menurut rentang", "By the ranges"),
    "published": ("terbit", "published"),
    "target": ("target", "target"),
    "national_minimum": ("batas nasional", "national minimum"),
    "kind": ("Jenis", "Kind"),
    "path": ("jalur menuju target", "way to the target"),
    "usage": ("Penggunaan layanan", "Use of services"),
    "no_usage": ("Belum ada penggunaan yang tercatat.", "No use is recorded yet."),
    "usage_away": (
        "Angka penggunaan sedang tidak dapat dibuka.",
        "Figures of use cannot be opened now.",
    ),
    "measure": ("Catatan", "Figure"),
    "count": ("Jumlah", "Count"),
    "completeness": ("Kelengkapan laporan bulanan", "Completeness of monthly reports"),
    "reported_of": ("laporan layanan masuk dari", "service reports came of"),
    "owed": ("yang wajib", "that are owed"),
    "more": ("Rincian per instansi", "By agency"),
    "submitted": ("Permohonan masuk", "Applications received"),
    "in_review": ("Sedang diproses", "In review"),
    "completed": ("Selesai", "Completed"),
    "rejected": ("Ditolak", "Rejected"),
    "returned": ("Dikembalikan", "Returned"),
    "page_view": ("Halaman dibuka", "Pages opened"),
    "search": ("Pencarian", "Searches"),
    "click_out": ("Kunjungan ke portal", "Visits to portals"),
    "form_start": ("Formulir dimulai", "Forms begun"),
    "form_end": ("Formulir selesai", "Forms finished"),
}


def dashboard_words(language: Language) -> dict[str, str]:
    """Every word of the dashboard in a language."""
    column = 0 if language == "id" else 1
    return {name: texts[column] for name, texts in _WORDS.items()}
