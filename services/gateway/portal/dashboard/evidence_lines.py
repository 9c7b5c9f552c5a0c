"""Pieces of evidence in words: what each is, of when, and the publications that it cites."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.assessment.client import (
    Agreement,
    Declaration,
    Evidence,
    IndexValue,
    Item,
    Meeting,
    NodeDetail,
    Observation,
    Precision,
    Recognition,
    SourceItem,
    TemporalEvidence,
    record_of,
)
from services.gateway.portal.dashboard.figures import compact
from services.platform.translation import N_, NC_, Message, Translator

KINDS: Mapping[str, Message] = {
    "stakeholders": N_("Pemangku kepentingan"),
    "meetings": N_("Rapat"),
    "agreements": N_("Perjanjian"),
    "decisions": N_("Keputusan dan peraturan"),
    "programmes": NC_("evidence", "Program"),
    "risks": N_("Risiko"),
    "recognitions": N_("Penghargaan"),
    "observations": N_("Pengamatan"),
    "index-values": N_("Nilai indeks"),
    "verdicts": N_("Putusan studi"),
    "declarations": N_("Pernyataan kelengkapan"),
    "survey": N_("Hasil survei"),
    "ties": N_("Ikatan yang dilaporkan"),
    "usage": N_("Ringkasan penggunaan"),
    "reporting": N_("Kelengkapan statistik"),
    "comments": N_("Ringkasan aduan"),
    "catalog": N_("Ringkasan katalog"),
}
"""Kinds of evidence: records, and reports of the hub's other services."""

REGISTERS: Mapping[str, Message] = {
    "agreements": N_("perjanjian"),
    "decisions": N_("keputusan dan peraturan"),
    "index-values": N_("nilai indeks"),
    "meetings": N_("rapat"),
    "programmes": N_("program"),
    "recognitions": N_("penghargaan"),
    "reporting": N_("pemberitahuan kewajiban melapor"),
    "risks": N_("risiko"),
    "stakeholders": N_("pemangku kepentingan"),
}
"""What a declared register lists."""

VALUES: Mapping[str, Message] = {
    "published": N_("nilai yang terbit"),
    "target": N_("target"),
    "national_minimum": N_("batas nasional"),
}
"""Kinds of values of an index."""

INPUTS: Mapping[str, Message] = {
    "observed": N_("Angka yang teramati"),
    "low": N_("Angka paling rendah"),
    "high": N_("Angka paling tinggi"),
    "absent": N_("Yang dinyatakan tidak ada"),
    "doubted": N_("Yang diragukan"),
    "first": N_("Nilai pertama"),
    "last": N_("Nilai terakhir"),
    "target": N_("Target"),
    "answers": N_("Jawaban"),
    "respondents": N_("Responden"),
    "services": NC_("plural", "Layanan"),
    "stakeholders": N_("Pemangku kepentingan"),
    "reported": N_("Ikatan yang dilaporkan"),
    "government": N_("Pemerintah"),
    "private": N_("Swasta"),
    "community": N_("Komunitas"),
    "ikm": N_("Indeks Kepuasan Masyarakat"),
}
"""Numbers that an indicator is computed from, beside the two of a share."""


EXCEPTIONS = frozenset({"absent", "doubted"})
"""Numbers that are worth a line only if there are any."""


@dataclass(frozen=True)
class EvidenceLine:
    """A piece of evidence; `sources` is empty if the hub counted it itself."""

    kind: str
    name: str | None
    when: str | None
    statement: str | None
    passage: str | None
    sources: Sequence[SourceItem]
    is_counted_by_the_hub: bool
    href: str


def evidence_lines(detail: NodeDetail, messages: Translator) -> list[EvidenceLine]:
    """Return the evidence of a node in words, in the order of its kinds and names."""
    sources = {source.id: source for source in detail.sources}
    return [_line(item, sources, messages) for item in detail.evidence]


def input_lines(detail: NodeDetail, messages: Translator) -> list[str]:
    """Return the numbers that an indicator is computed from, in words."""
    given = dict(detail.inputs)
    lines: list[str] = []
    whole = given.pop("n", given.pop("denominator", None))
    part = given.pop("numerator", None)
    if part is not None and whole is not None:
        lines.append(
            messages.gettext(
                "%(part)s dari %(whole)s",
                part=compact(messages, part),
                whole=compact(messages, whole),
            )
        )
    elif whole is not None:
        lines.append(
            messages.gettext("Jumlah yang tercatat: %(number)s", number=compact(messages, whole))
        )
    for name, value in given.items():
        if name in INPUTS and (value or name not in EXCEPTIONS):
            lines.append(f"{messages.translate(INPUTS[name])}: {compact(messages, value)}")
    return lines


def _line(item: Item, sources: Mapping[str, SourceItem], messages: Translator) -> EvidenceLine:
    record = record_of(item)
    kind = messages.translate(KINDS[item.kind]) if item.kind in KINDS else ""
    cited = [] if record is None else [sources[one] for one in record.sources if one in sources]
    return EvidenceLine(
        kind=kind,
        name=None if record is None else _name(record, messages),
        when=None if record is None else _when(record, messages),
        statement=record.statement if isinstance(record, Observation) else None,
        passage=None if record is None or not record.passage else record.passage.rstrip(". "),
        sources=cited,
        is_counted_by_the_hub=record is None,
        href=item.href,
    )


def _name(record: Evidence, messages: Translator) -> str | None:
    if isinstance(record, IndexValue):
        role = messages.translate(VALUES[record.role])
        return f"{role} {messages.number(record.value, 2)}"
    if isinstance(record, Declaration):
        register = messages.translate(REGISTERS[record.register_name])
        return messages.gettext("daftar %(register)s dinyatakan lengkap", register=register)
    name = messages.field(record, "name") if hasattr(record, "name") else None
    return None if name is None else str(name)


def _when(record: Evidence, messages: Translator) -> str | None:
    match record:
        case Meeting():
            return _day(record.held_on, record.precision, messages)
        case Recognition():
            return _day(record.given_on, record.precision, messages)
        case Agreement() if record.signed_on is not None:
            return messages.gettext(
                "ditandatangani %(day)s", day=messages.long_date(record.signed_on)
            )
        case TemporalEvidence():
            return _span(record, messages)
        case IndexValue() | Declaration():
            return None if record.year is None else str(record.year)
        case _:
            return None


def _span(record: TemporalEvidence, messages: Translator) -> str | None:
    end = None
    if record.valid_to is not None:
        end = _day(record.valid_to, record.precision, messages)
    if record.valid_from is None:
        year = record.attested_in
        return None if year is None else messages.gettext("tentang tahun %(year)s", year=year)
    begin = _day(record.valid_from, record.precision, messages)
    if end is None:
        return messages.gettext("sejak %(day)s", day=begin)
    if end == begin:
        return begin
    return messages.gettext("%(begin)s sampai %(end)s", begin=begin, end=end)


def _day(day: date, precision: Precision, messages: Translator) -> str:
    """Return a day as exactly as it is known."""
    if precision == "year":
        return str(day.year)
    return messages.month(day) if precision == "month" else messages.long_date(day)
