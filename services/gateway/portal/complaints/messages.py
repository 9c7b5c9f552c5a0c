"""The words of the comment pages, in Indonesian and English."""

from collections.abc import Mapping

from services.platform.languages import Language

_WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Pengaduan, pertanyaan, dan saran", "Complaints, questions and comments"),
    "lead": (
        "Tanpa nama, tanpa akun. Anda mendapat kode tiket untuk melihat jawabannya.",
        "No name, no account. You get a ticket code with which to see the answer.",
    ),
    "kind": ("Apa yang ingin Anda sampaikan?", "What do you want to say?"),
    "category": ("Tentang apa?", "What is it about?"),
    "service": ("Layanan", "Service"),
    "no_service": ("(tidak tentang satu layanan)", "(not about one service)"),
    "text": ("Isi pesan", "Message"),
    "text_hint": (
        "Jangan tulis NIK, nomor KK, atau nama orang lain.",
        "Do not write identity numbers or names of other people.",
    ),
    "place": ("Di mana?", "Where?"),
    "optional": ("boleh dikosongkan", "optional"),
    "photos": ("Foto", "Photos"),
    "photos_hint": (
        "JPEG, PNG, atau WebP, paling besar 6 MB. Data lokasi di dalam foto dihapus.",
        "JPEG, PNG or WebP, up to 6 MB. Place data inside of a photo is removed.",
    ),
    "contact": ("Kontak, bila ingin dihubungi", "Contact, if you want to be reached"),
    "email": ("Surel", "E-mail"),
    "phone": ("Nomor telepon", "Phone number"),
    "public": (
        "Isi pesan boleh dibaca semua orang setelah diperiksa instansi",
        "Everybody may read the message after the agency has looked at it",
    ),
    "website": ("Jangan diisi", "Leave empty"),
    "send": ("Kirim", "Send"),
    "have_ticket": ("Sudah punya tiket?", "Have a ticket already?"),
    "ticket": ("Kode tiket", "Ticket code"),
    "look": ("Lihat", "Look"),
    "unknown_ticket": (
        "Tiket tidak ditemukan. Periksa lagi setiap huruf dan angka.",
        "There is no such ticket. Look at every letter and digit again.",
    ),
    "please_correct": (
        "Pesan belum terkirim; lihat tanda merah di bawah.",
        "Your message was not sent; see the red marks below.",
    ),
    "not_sent": (
        "Pesan belum terkirim karena gangguan. Silakan kirim lagi; tidak tercatat dua kali.",
        "Your message was not sent because of a disturbance. Please send again; it counts once.",
    ),
    "fault_text": ("Tulis 3 sampai 4.000 huruf.", "Write 3 to 4,000 letters."),
    "fault_choice": ("Pilih salah satu.", "Choose one."),
    "fault_email": ("Alamat surel tidak benar.", "This is no e-mail address."),
    "fault_phone": ("Nomor telepon tidak benar.", "This is no phone number."),
    "fault_consent": (
        "Kontak hanya disimpan dengan persetujuan Anda: centang, atau kosongkan kontak.",
        "A contact is kept only with your consent: tick the box, or leave the contact empty.",
    ),
    "fault_service": ("Layanan ini tidak dikenal.", "This service is not known."),
    "filed": ("Pesan Anda sudah kami terima.", "We have received your message."),
    "keep": (
        "Simpan alamat halaman ini: hanya dengan alamat ini Anda dapat membalas dan membaca isi "
        "pesan Anda. Kode tiket saja cukup untuk melihat jawaban.",
        "Keep the address of this page: only with it can you reply and read your message. The "
        "ticket code alone is enough to see the answer.",
    ),
    "address": ("Alamat halaman ini", "Address of this page"),
    "held": (
        "Pesan diperiksa petugas dulu sebelum diteruskan.",
        "Somebody looks at the message before it is passed on.",
    ),
    "photo_refused": (
        "Ada foto yang tidak dapat diterima; kirim lagi di bawah.",
        "A photo could not be taken; send it again below.",
    ),
    "state": ("Keadaan", "State"),
    "received": ("Diterima", "Received"),
    "in_progress": ("Sedang ditangani", "In progress"),
    "answered": ("Dijawab", "Answered"),
    "closed": ("Selesai", "Closed"),
    "reopened": ("Dibuka lagi", "Reopened"),
    "merged": ("Digabung dengan tiket", "Merged into the ticket"),
    "forwarded": ("Diteruskan ke SP4N-LAPOR!", "Forwarded to SP4N-LAPOR!"),
    "contact_read": ("Kontak dibaca instansi", "The agency read the contact"),
    "contact_erased": ("Kontak dihapus", "Contact erased"),
    "contact_withdrawn": ("Persetujuan dicabut, kontak dihapus", "Consent withdrawn, erased"),
    "reply": ("Balasan", "Reply"),
    "number": ("Nomor", "Number"),
    "promise": ("Dijanjikan paling lambat", "Promised by"),
    "days_left": ("hari kerja lagi", "working days left"),
    "running": ("menunggu jawaban", "waiting for an answer"),
    "late": ("terlambat", "late"),
    "kept": ("tepat waktu", "on time"),
    "broken": ("melewati janji", "after the promised day"),
    "you": ("Anda", "You"),
    "hub": ("Sistem", "System"),
    "history": ("Riwayat", "History"),
    "message": ("Pesan Anda", "Your message"),
    "your_reply": ("Balasan Anda", "Your reply"),
    "add_photo": ("Tambah foto", "Add a photo"),
    "withdraw": (
        "Cabut persetujuan dan hapus kontak saya",
        "Withdraw my consent and erase my contact",
    ),
    "refused": (
        "Tidak dapat disimpan. Periksa isi atau foto, lalu coba lagi.",
        "It could not be stored. Look at the text or the photo and try again.",
    ),
}


def comment_words(language: Language) -> dict[str, str]:
    """Every word of the comment pages in a language."""
    column = 0 if language == "id" else 1
    return {name: texts[column] for name, texts in _WORDS.items()}
