"""Labels of the workspace: roles, states of people."""

from collections.abc import Mapping

from services.gateway.people.records import PersonState
from services.gateway.people.roles import Role
from services.platform.scopes import Scope
from services.platform.translation import N_, NC_, Message

ROLES: Mapping[Role, Message] = {
    "reporter": N_("Pelapor statistik"),
    "editor": N_("Penyunting layanan"),
    "approver": N_("Penyetuju"),
    "responder": N_("Penjawab pengaduan"),
    "lead": N_("Instansi pengampu"),
    "evaluator": N_("Evaluator"),
    "administrator": N_("Pengelola hub"),
    "auditor": N_("Auditor"),
}

SCOPES: Mapping[Scope, Message] = {
    "usage:write": N_("Melaporkan statistik dan kejadian"),
    "surveys:collect": N_("Mengirim jawaban survei dari perangkat"),
    "comments:read": N_("Membaca pengaduan"),
    "comments:write": N_("Menjawab pengaduan dan membaca kontak pengirim"),
    "catalog:write": N_("Menerbitkan layanan dan tempat"),
    "catalog:approve": N_("Menyetujui konsep layanan"),
    "announcements:write": N_("Menulis konsep pengumuman"),
    "announcements:publish": N_("Menerbitkan dan menarik pengumuman"),
    "evidence:write": N_("Mencatat bukti kolaborasi"),
    "evidence:confirm": N_("Mengonfirmasi bukti instansi lain"),
    "metrics:draft": N_("Membuat penilaian dan skenario"),
    "admin": N_("Mengelola hub: semua di atas, untuk semua instansi"),
}
"""What a key with a scope may do."""

STATES: Mapping[PersonState, Message] = {
    "invited": NC_("person", "Diundang"),
    "active": NC_("person", "Aktif"),
    "disabled": NC_("person", "Dinonaktifkan"),
}
