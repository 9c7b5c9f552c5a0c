"""Subjects and texts of mails, in the language of the person (pure).

They name no citizen and repeat nothing that one wrote: mail passes servers of others. What an
invitation says of a meeting was written by an official for those who are invited.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.platform.translation import Translator

MAX_LINES = 20
"""Cases that a mail lists; the number of the others is told."""


@dataclass(frozen=True)
class MailText:
    """The subject and the plain text of a mail."""

    subject: str
    body: str


@dataclass(frozen=True)
class CaseLine:
    """A case in a mail."""

    ticket: str
    answer_by: date
    link: str


@dataclass(frozen=True)
class DigestLine:
    """What waits, as a count, and the address of its list."""

    text: str
    link: str


@dataclass(frozen=True)
class DigestPart:
    """What waits for a person in an agency; None: in the hub as a whole."""

    agency: str | None
    lines: Sequence[DigestLine]


@dataclass(frozen=True)
class IncompleteMonth:
    """A month that an agency has not reported in full."""

    agency: str
    month: date
    due_on: date
    services_reported: int
    services_expected: int
    link: str


@dataclass(frozen=True)
class InvitedMeeting:
    """A meeting as the invitation to it says it, in the language of the reader."""

    name: str
    organiser: str
    when: str
    place: str | None
    problem_statement: str | None
    agenda: Sequence[str]
    is_changed: bool
    """Whether an earlier invitation to it was mailed."""


def new_cases(messages: Translator, agency: str, cases: Sequence[CaseLine]) -> MailText:
    """Return the mail about cases that an agency has to answer from now on."""
    count = len(cases)
    if count == 1:
        subject = messages.gettext("Pengaduan baru %(ticket)s", ticket=cases[0].ticket)
    else:
        subject = messages.ngettext("%(num)s pengaduan baru", "%(num)s pengaduan baru", count)
    opening = messages.ngettext(
        "%(num)s pengaduan masuk untuk %(agency)s.",
        "%(num)s pengaduan masuk untuk %(agency)s.",
        count,
        agency=agency,
    )
    return MailText(subject, _body(messages, opening, cases))


def due_cases(messages: Translator, agency: str, cases: Sequence[CaseLine]) -> MailText:
    """Return the mail about cases whose answer is due soon."""
    count = len(cases)
    if count == 1:
        subject = messages.gettext(
            "Belum dijawab: %(ticket)s, batasnya %(day)s",
            ticket=cases[0].ticket,
            day=messages.long_date(cases[0].answer_by),
        )
    else:
        subject = messages.ngettext(
            "%(num)s pengaduan belum dijawab, batasnya sudah dekat",
            "%(num)s pengaduan belum dijawab, batasnya sudah dekat",
            count,
        )
    opening = messages.ngettext(
        "%(num)s pengaduan untuk %(agency)s belum dijawab dan batasnya sudah dekat.",
        "%(num)s pengaduan untuk %(agency)s belum dijawab dan batasnya sudah dekat.",
        count,
        agency=agency,
    )
    return MailText(subject, _body(messages, opening, cases))


def month_reminder(messages: Translator, reminded: IncompleteMonth) -> MailText:
    """Return the mail about a month that an agency has not reported in full."""
    month = messages.month(reminded.month)
    lines = (
        messages.gettext(
            "Laporan %(month)s dari %(agency)s belum lengkap: %(reported)s dari %(expected)s "
            "layanan sudah dilaporkan.",
            month=month,
            agency=reminded.agency,
            reported=messages.number(reminded.services_reported),
            expected=messages.number(reminded.services_expected),
        ),
        messages.gettext(
            "Batasnya %(day)s. Isi atau setujui di sini:", day=messages.long_date(reminded.due_on)
        ),
        reminded.link,
        messages.gettext("Surel ini dikirim atas permintaan instansi pengampu."),
    )
    subject = messages.gettext(
        "Laporan %(month)s dari %(agency)s belum lengkap", month=month, agency=reminded.agency
    )
    return MailText(subject, _paragraphs(lines))


def invitation(messages: Translator, hub: str, link: str, day: date) -> MailText:
    """Return the mail with the link of an invitation to a hub, valid until a day."""
    lines = (
        messages.gettext("Anda diundang untuk bekerja di %(hub)s.", hub=hub),
        messages.gettext("Buka tautan ini untuk membuat kata sandi dan kode masuk:"),
        link,
        messages.gettext(
            "Tautan berlaku sekali, sampai %(day)s. Jangan teruskan surel ini: siapa yang "
            "membukanya lebih dulu memiliki akunnya.",
            day=messages.long_date(day),
        ),
    )
    return MailText(messages.gettext("Undangan bekerja di %(hub)s", hub=hub), _paragraphs(lines))


def meeting_invitation(messages: Translator, meeting: InvitedMeeting) -> MailText:
    """Return the mail that invites to a meeting; its calendar file is attached."""
    if meeting.is_changed:
        opening = messages.gettext(
            "%(organiser)s mengubah rapat ini. Undangan yang terdahulu tidak berlaku lagi.",
            organiser=meeting.organiser,
        )
        subject = messages.gettext("Undangan rapat berubah: %(name)s", name=meeting.name)
    else:
        opening = messages.gettext(
            "%(organiser)s mengundang instansi Anda ke rapat ini.", organiser=meeting.organiser
        )
        subject = messages.gettext("Undangan rapat: %(name)s", name=meeting.name)
    facts = [meeting.name, messages.gettext("Waktu: %(when)s", when=meeting.when)]
    if meeting.place is not None:
        facts.append(messages.gettext("Tempat: %(place)s", place=meeting.place))
    paragraphs = [opening, "\n".join(facts)]
    if meeting.problem_statement:
        paragraphs.append(
            messages.gettext("Pokok masalah: %(text)s", text=meeting.problem_statement)
        )
    if meeting.agenda:
        items = [f"- {item}" for item in meeting.agenda]
        paragraphs.append("\n".join([messages.gettext("Agenda:"), *items]))
    paragraphs += [
        messages.gettext("Buka lampirannya untuk memasukkan rapat ini ke kalender Anda."),
        messages.gettext("Surel ini dikirim otomatis; jangan dibalas."),
    ]
    return MailText(" ".join(subject.split()), _paragraphs(paragraphs))


def meeting_cancellation(messages: Translator, meeting: InvitedMeeting) -> MailText:
    """Return the mail that a meeting does not take place for who was invited to it."""
    subject = messages.gettext("Undangan rapat dibatalkan: %(name)s", name=meeting.name)
    paragraphs = (
        messages.gettext(
            "%(organiser)s membatalkan undangan ke rapat ini.", organiser=meeting.organiser
        ),
        f"{meeting.name}\n" + messages.gettext("Waktu: %(when)s", when=meeting.when),
        messages.gettext("Buka lampirannya untuk menghapus rapat ini dari kalender Anda."),
        messages.gettext("Surel ini dikirim otomatis; jangan dibalas."),
    )
    return MailText(" ".join(subject.split()), _paragraphs(paragraphs))


def digest(
    messages: Translator,
    day: date,
    parts: Sequence[DigestPart],
    *,
    account: str,
    unsubscribe: str,
) -> MailText:
    """Return the mail about what waits for a person on a day, with where to choose otherwise."""
    paragraphs = [messages.gettext("Yang menunggu Anda pada %(day)s:", day=messages.long_date(day))]
    for part in parts:
        if part.agency is not None:
            paragraphs.append(part.agency)
        paragraphs += [f"- {line.text}\n  {line.link}" for line in part.lines]
    paragraphs += [
        messages.gettext(
            "Ringkasan ini dikirim sekali sehari pada jam kerja, hanya bila ada yang menunggu. "
            "Ubah pilihan Anda:"
        )
        + f"\n{account}",
        messages.gettext("Berhenti menerima ringkasan ini, tanpa masuk:") + f"\n{unsubscribe}",
        messages.gettext("Surel ini dikirim otomatis; jangan dibalas."),
    ]
    subject = messages.gettext(
        "Ringkasan harian: yang menunggu Anda, %(day)s", day=messages.long_date(day)
    )
    return MailText(subject, _paragraphs(paragraphs))


def _body(messages: Translator, opening: str, cases: Sequence[CaseLine]) -> str:
    paragraphs = [opening]
    for case in cases[:MAX_LINES]:
        until = messages.gettext(
            "%(ticket)s, dijawab paling lambat %(day)s:",
            ticket=case.ticket,
            day=messages.long_date(case.answer_by),
        )
        paragraphs.append(f"{until}\n{case.link}")
    others = len(cases) - MAX_LINES
    if others > 0:
        paragraphs.append(messages.ngettext("Dan %(num)s lainnya.", "Dan %(num)s lainnya.", others))
    paragraphs.append(
        messages.gettext(
            "Isi pengaduan tidak dikirim lewat surel. Surel ini dikirim otomatis; jangan dibalas."
        )
    )
    return _paragraphs(paragraphs)


def _paragraphs(lines: Sequence[str]) -> str:
    return "\n\n".join(lines) + "\n"
