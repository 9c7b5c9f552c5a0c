"""Labels of codes that several pages show."""

from collections.abc import Mapping

from services.platform.translation import N_, Message

STANDARD_COMPONENTS: Mapping[str, Message] = {
    "persyaratan": N_("Persyaratan"),
    "sistem_mekanisme_prosedur": N_("Sistem, mekanisme, dan prosedur"),
    "jangka_waktu": N_("Jangka waktu pelayanan"),
    "biaya_tarif": N_("Biaya/tarif"),
    "produk_pelayanan": N_("Produk pelayanan"),
    "penanganan_pengaduan": N_("Penanganan pengaduan, saran, dan masukan"),
    "dasar_hukum": N_("Dasar hukum"),
    "sarana_prasarana": N_("Sarana, prasarana, dan/atau fasilitas"),
    "kompetensi_pelaksana": N_("Kompetensi pelaksana"),
    "pengawasan_internal": N_("Pengawasan internal"),
    "jumlah_pelaksana": N_("Jumlah pelaksana"),
    "jaminan_pelayanan": N_("Jaminan pelayanan"),
    "jaminan_keamanan": N_("Jaminan keamanan dan keselamatan"),
    "evaluasi_kinerja": N_("Evaluasi kinerja pelaksana"),
}
"""The 14 components of a service standard (PermenPANRB 15/2014), in the regulation's order."""

CHANNELS: Mapping[str, Message] = {
    "online": N_("Daring"),
    "counter": N_("Loket"),
    "phone": N_("Telepon"),
    "visit": N_("Kunjungan petugas"),
    "email": N_("Surel"),
}
"""How a service can be requested."""

FACETS: Mapping[str, Message] = {
    "agency": N_("Instansi"),
    "life_event": N_("Peristiwa hidup"),
    "channel": N_("Saluran"),
    "place": N_("Tempat layanan"),
    "district": N_("Kecamatan"),
    "open_now": N_("Jam buka"),
}
"""By what a search is narrowed."""
