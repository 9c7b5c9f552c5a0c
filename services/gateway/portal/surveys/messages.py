"""The words of the survey pages, in Indonesian and English."""

from collections.abc import Mapping

from services.platform.languages import Language

_WORDS: Mapping[str, tuple[str, str]] = {
    "surveys": ("Survei", "Surveys"),
    "surveys_lead": (
        "Pendapat Anda membantu memperbaiki layanan. Tanpa nama, tanpa kuki.",
        "What you think helps to improve services. No name, no cookies.",
    ),
    "questions": ("pertanyaan", "questions"),
    "optional": ("boleh dilewati", "may be skipped"),
    "several": ("Boleh pilih lebih dari satu.", "You may choose more than one."),
    "answer_if": ("Jawab bila", "Answer if"),
    "is": ("dijawab", "is answered"),
    "or": ("atau", "or"),
    "send": ("Kirim jawaban", "Send answers"),
    "about": ("Tentang layanan", "About the service"),
    "about_office": ("Tentang kantor", "About the office"),
    "thanks": ("Terima kasih!", "Thank you!"),
    "thanks_lead": (
        "Jawaban Anda tersimpan tanpa nama. Hasilnya terbit bila sedikitnya lima orang menjawab.",
        "Your answers are stored without a name. Results appear once at least five have answered.",
    ),
    "again": ("Isi lagi", "Answer again"),
    "soon_again": (
        "Halaman ini kembali ke awal dengan sendirinya.",
        "This page starts anew by itself.",
    ),
    "please_correct": (
        "Beberapa jawaban belum lengkap; lihat tanda merah di bawah.",
        "Some answers are missing; see the red marks below.",
    ),
    "not_sent": (
        "Jawaban belum terkirim karena gangguan. Silakan kirim lagi; tidak terhitung dua kali.",
        "Your answers were not sent because of a disturbance. Please send again; they count once.",
    ),
    "not_accepted": (
        "Jawaban tidak dapat diterima untuk layanan atau hari ini.",
        "The answers cannot be accepted for this service or day.",
    ),
    "choose_one": ("Pilih satu jawaban.", "Choose one answer."),
    "choose_some": (
        "Pilih sedikitnya satu jawaban; pilihan terakhir berdiri sendiri.",
        "Choose at least one answer; the one that excludes the others stands alone.",
    ),
    "give_number": ("Isi dengan angka", "Give a number"),
    "to": ("sampai", "to"),
    "results_of": ("Hasil", "Results"),
    "respondents": ("responden", "respondents"),
    "ikm": ("Indeks Kepuasan Masyarakat (IKM)", "Satisfaction index (IKM)"),
    "too_few": (
        "Jawaban belum cukup untuk diterbitkan: hasil terbit bila sedikitnya lima orang menjawab.",
        "Too few answers to publish: results appear once at least five have answered.",
    ),
    "nobody_yet": ("Belum ada jawaban.", "No answers yet."),
    "lowest_first": ("Unsur, yang terendah lebih dahulu", "Elements, the lowest first"),
    "follow_up": ("Rencana tindak lanjut", "Follow-up plan"),
    "no_follow_up": ("Belum ada tindak lanjut yang dicatat.", "No follow-up is on record yet."),
    "by_when": ("paling lambat", "by"),
    "planned": ("Direncanakan", "Planned"),
    "under_way": ("Berjalan", "Under way"),
    "done": ("Selesai", "Done"),
    "dropped": ("Dibatalkan", "Dropped"),
    "fill_in": ("Isi survei", "Answer the survey"),
    "enumerator": ("Petugas survei", "Enumerator"),
    "enumerator_lead": (
        "Halaman ini bekerja tanpa sinyal. Jawaban disimpan di ponsel ini dan terkirim "
        "sendiri saat ada sinyal.",
        "This page works without a signal. Answers are kept on this phone until there is one.",
    ),
    "rating_over": ("Penilaian ini sudah selesai", "This rating is over"),
    "rating_over_lead": (
        "Alamat ini dapat dipakai satu kali dan dalam waktu terbatas. Terima kasih bila Anda "
        "sudah menjawab. Survei lain terbuka untuk siapa saja.",
        "This address can be used once and for a limited time. Thank you if you have answered "
        "already. Other surveys are open to anybody.",
    ),
    "needs_script": (
        "Halaman ini memerlukan JavaScript. Tanpa JavaScript, pakai halaman survei biasa.",
        "This page needs JavaScript. Without it, use the plain survey page.",
    ),
    "waiting": ("Menunggu terkirim", "Waiting to be sent"),
    "sent": ("Terkirim dari ponsel ini", "Sent from this phone"),
    "refused": ("Ditolak", "Refused"),
    "ready_offline": ("Siap dipakai tanpa sinyal", "Ready to work without a signal"),
    "no_signal": ("Tanpa sinyal", "No signal"),
    "store": ("Simpan jawaban", "Store answers"),
    "send_now": ("Kirim sekarang", "Send now"),
    "discard_refused": ("Hapus yang ditolak", "Discard the refused"),
    "stored": ("Tersimpan. Silakan responden berikutnya.", "Stored. Next respondent, please."),
    "service": ("Layanan", "Service"),
    "any_service": ("(tidak tentang satu layanan)", "(not about one service)"),
    "channel": ("Cara layanan diurus", "How the service was used"),
    "unknown": ("(tidak dicatat)", "(not recorded)"),
    "district": ("Kecamatan", "District"),
    "setting": ("Tempat bertugas", "Where you work"),
}


def survey_words(language: Language) -> dict[str, str]:
    """Every word of the survey pages in a language."""
    column = 0 if language == "id" else 1
    return {name: texts[column] for name, texts in _WORDS.items()}
