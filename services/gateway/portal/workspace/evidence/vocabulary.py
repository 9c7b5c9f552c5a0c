"""Words for the codes of evidence: instruments, procedures, subjects, units and states."""

from collections.abc import Mapping

from services.platform.translation import N_, NC_, Message

STATES: Mapping[str, Message] = {
    "proposed": NC_("evidence", "Usulan"),
    "confirmed": NC_("evidence", "Terkonfirmasi"),
    "disputed": NC_("evidence", "Dibantah"),
    "withdrawn": NC_("evidence", "Ditarik"),
}
SECTOR_NAMES: Mapping[str, Message] = {
    "government": N_("Pemerintah"),
    "private": N_("Swasta"),
    "community": N_("Komunitas"),
}
LEVELS: Mapping[str, Message] = {
    "1": N_("1 – paling kecil"),
    "2": Message("2"),
    "3": Message("3"),
    "4": Message("4"),
    "5": N_("5 – paling besar"),
}
INSTRUMENTS: Mapping[str, Message] = {
    "team": NC_("instrument", "Tim"),
    "smart_city_management": NC_("instrument", "Pengelolaan kota cerdas"),
    "e_mall": NC_("instrument", "E-Mall"),
    "data_sharing": NC_("instrument", "Berbagi data antarinstansi"),
    "risk": NC_("instrument", "Pengelolaan risiko"),
}
INDEX_NAMES: Mapping[str, Message] = {
    "spbe-2020": Message("SPBE"),
    "pemdi-2026": Message("Pemdi"),
    "skm-2017": Message("IKM"),
}
"""Short names of indices; another one is named by its id."""
VALUE_ROLES: Mapping[str, Message] = {
    "published": NC_("index value", "Nilai terbit"),
    "target": NC_("index value", "Target"),
    "national_minimum": NC_("index value", "Batas nasional"),
}
LEVEL_ROLES: Mapping[str, Message] = {
    "declared": NC_("level", "Sudah dicapai"),
    "planned": NC_("level", "Direncanakan"),
}
ELEMENTS: Mapping[str, Message] = {
    "discovery": NC_("element", "Penemuan"),
    "definition": NC_("element", "Definisi"),
    "deliberation": NC_("element", "Deliberasi"),
    "determination": NC_("element", "Determinasi"),
    "trust": NC_("element", "Saling percaya"),
    "understanding": NC_("element", "Saling memahami"),
    "legitimation": NC_("element", "Legitimasi internal"),
    "commitment": NC_("element", "Komitmen"),
    "arrangements": NC_("element", "Pengaturan prosedural dan kelembagaan"),
    "leadership": NC_("element", "Kepemimpinan"),
    "knowledge": NC_("element", "Pengetahuan"),
    "resources": NC_("element", "Sumber daya"),
    "uncertainty": NC_("element", "Pendorong: ketidakpastian"),
    "interdependence": NC_("element", "Pendorong: saling ketergantungan"),
    "incentives": NC_("element", "Pendorong: insentif konsekuensial"),
    "leadership_driver": NC_("element", "Pendorong: kepemimpinan"),
}
REGISTERS: Mapping[str, Message] = {
    "agreements": NC_("register", "Perjanjian"),
    "decisions": NC_("register", "Keputusan"),
    "index-values": NC_("register", "Nilai indeks"),
    "meetings": NC_("register", "Rapat"),
    "programmes": NC_("register", "Program dan pelatihan"),
    "recognitions": NC_("register", "Penghargaan"),
    "reporting": NC_("register", "Pemberitahuan kewajiban lapor"),
    "risks": NC_("register", "Risiko"),
    "stakeholders": NC_("register", "Pemangku kepentingan"),
}
"""Registers that can be declared complete for a year."""
PROCEDURES: Mapping[str, Message] = {
    "service_standard": NC_("procedure", "Standar pelayanan"),
    "data_sharing": NC_("procedure", "Berbagi data antarinstansi"),
    "incident": NC_("procedure", "Penanganan gangguan"),
    "complaint": NC_("procedure", "Penanganan pengaduan"),
    "risk": NC_("procedure", "Pengelolaan risiko"),
    "handover": NC_("procedure", "Serah terima saat pimpinan berganti"),
}
SUBJECTS: Mapping[str, Message] = {
    "agencies_taking_part": N_("Perangkat daerah yang ikut serta"),
    "partners_taking_part": N_("Swasta dan komunitas yang ikut serta"),
    "agencies_with_plan": N_("Perangkat daerah dengan program dalam rencana strategis"),
    "agencies_with_budget": N_("Perangkat daerah dengan anggaran untuk program"),
    "programmes_running": N_("Program yang berjalan"),
    "staff_trained": N_("Pegawai yang sudah dilatih"),
    "staff_and_equipment": N_("Pegawai, dana, dan peralatan program"),
    "forum_meetings": N_("Rapat forum dalam setahun"),
    "desk_meeting_attendance": N_("Kehadiran perangkat daerah dalam rapat desk evaluasi"),
    "portal_awareness": N_("Pengetahuan tentang e-Mall"),
    "online_use": N_("Pemakaian layanan daring"),
    "response_to_citizens": N_("Tanggapan atas kebutuhan warga"),
    "comments_answered_in_time": N_("Pengaduan yang dijawab pada waktunya"),
    "risks_with_mitigation": N_("Risiko dengan mitigasi yang berjalan"),
    "sector_failure": N_("Kegagalan layanan digital kabupaten"),
    "leadership_continuity": N_("Kesinambungan saat pimpinan berganti"),
    "handovers_by_rule": N_("Serah terima pimpinan menurut aturan"),
    "villages": N_("Desa dan kelurahan"),
    "villages_without_coverage": N_("Desa tanpa sinyal seluler"),
    "areas_without_coverage": N_("Wilayah tanpa sinyal seluler"),
    "instruments": N_("Dasar kerja sama, seluruhnya"),
    "instruments_team": N_("Dasar kerja sama: tim"),
    "instruments_smart_city_management": N_("Dasar kerja sama: pengelolaan kota cerdas"),
    "instruments_e_mall": N_("Dasar kerja sama: e-Mall"),
    "instruments_data_sharing": N_("Dasar kerja sama: berbagi data"),
    "instruments_risk": N_("Dasar kerja sama: pengelolaan risiko"),
    "procedures": N_("Prosedur, seluruhnya"),
    "procedures_service_standard": N_("Prosedur: standar pelayanan"),
    "procedures_data_sharing": N_("Prosedur: berbagi data"),
    "procedures_incident": N_("Prosedur: penanganan gangguan"),
    "procedures_complaint": N_("Prosedur: penanganan pengaduan"),
    "procedures_risk": N_("Prosedur: pengelolaan risiko"),
    "procedures_handover": N_("Prosedur: serah terima pimpinan"),
}
UNITS: Mapping[str, Message] = {
    "share": NC_("unit", "bagian dari seluruhnya (51%%)"),
    "level": NC_("unit", "tingkat, 0 sampai 1"),
    "count": NC_("unit", "jumlah"),
    "1": NC_("unit", "bilangan tanpa satuan"),
    "%": NC_("unit", "persen (51 untuk 51%%)"),
    "[ppth]": NC_("unit", "per seribu"),
    "a": NC_("unit", "tahun"),
    "mo": NC_("unit", "bulan"),
    "wk": NC_("unit", "minggu"),
    "d": NC_("unit", "hari"),
    "h": NC_("unit", "jam"),
    "min": NC_("unit", "menit"),
    "s": NC_("unit", "detik"),
    "m": NC_("unit", "meter"),
    "km": NC_("unit", "kilometer"),
    "m2": NC_("unit", "meter persegi"),
    "km2": NC_("unit", "kilometer persegi"),
    "har": NC_("unit", "hektare"),
    "m3": NC_("unit", "meter kubik"),
    "L": NC_("unit", "liter"),
    "g": NC_("unit", "gram"),
    "kg": NC_("unit", "kilogram"),
    "t": NC_("unit", "ton"),
    "W": NC_("unit", "watt"),
    "kW": NC_("unit", "kilowatt"),
    "MW": NC_("unit", "megawatt"),
    "kW.h": NC_("unit", "kilowatt-jam"),
    "MW.h": NC_("unit", "megawatt-jam"),
    "GW.h": NC_("unit", "gigawatt-jam"),
    "bit/s": NC_("unit", "bit per detik"),
    "Mbit/s": NC_("unit", "megabit per detik"),
    "Cel": NC_("unit", "derajat Celsius"),
    "{IDR}": NC_("unit", "rupiah"),
    "{USD}": NC_("unit", "dolar Amerika"),
    "{USD_PPP}": NC_("unit", "dolar Amerika menurut paritas daya beli"),
}
