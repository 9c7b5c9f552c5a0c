"""Labels of a complaint's states and of the entries in its timeline."""

from collections.abc import Mapping

from services.platform.translation import N_, NC_, Message

STATES: Mapping[str, Message] = {
    "received": N_("Diterima"),
    "in_progress": N_("Sedang ditangani"),
    "answered": N_("Dijawab"),
    "closed": NC_("complaint", "Selesai"),
    "reopened": N_("Dibuka lagi"),
    "merged": N_("Digabung dengan tiket"),
    "forwarded": N_("Diteruskan ke SP4N-LAPOR!"),
}

ACTIONS: Mapping[str, Message] = {
    **STATES,
    "contact_read": N_("Kontak dibaca instansi"),
    "contact_erased": N_("Kontak dihapus"),
    "contact_withdrawn": N_("Persetujuan dicabut, kontak dihapus"),
    "reply": N_("Balasan"),
    "published": N_("Pesan diterbitkan instansi"),
    "unpublished": N_("Pesan tidak diterbitkan lagi"),
    "corrected": N_("Pesan diperbaiki pengirim"),
    "erased": N_("Pesan dihapus pengirim"),
    "attachment_deleted": N_("Foto dihapus pengirim"),
}
"""Entries of the timeline: a change of the state, or something else that happened."""

DEADLINE_STATES: Mapping[str, Message] = {
    "running": N_("menunggu jawaban"),
    "overdue": N_("terlambat"),
    "met": N_("tepat waktu"),
    "missed": N_("melewati janji"),
}
"""How the answer stands against its deadline."""
