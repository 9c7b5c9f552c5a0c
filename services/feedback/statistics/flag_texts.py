"""Messages and remedies of plausibility flags."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.feedback.channels import ChannelKind
from services.feedback.statistics.counters import Measure
from services.feedback.statistics.flag_kinds import FlagKind
from services.platform.translation import N_, Message, Translator

COUNTERS: Mapping[Measure, Message] = {
    "submitted": N_("masuk"),
    "in_review": N_("proses"),
    "completed": N_("selesai"),
    "rejected": N_("ditolak"),
    "returned": N_("dikembalikan"),
}

CHANNELS: Mapping[ChannelKind, Message] = {
    "online": N_("daring"),
    "counter": N_("loket"),
    "phone": N_("telepon"),
    "visit": N_("kunjungan"),
    "email": N_("surel"),
}


@dataclass(frozen=True)
class FlagTexts:
    """What is implausible about a figure and why, and what the agency can do."""

    message: str
    remedy: str


def describe(
    kind: FlagKind,
    *,
    service: str,
    channel: ChannelKind | None,
    period: date,
    measure: Measure | None,
    facts: Mapping[str, float],
    messages: Translator,
) -> FlagTexts:
    """Return the texts of a flag in the language of `messages`."""
    _ = messages.gettext
    values: dict[str, str] = {
        name: messages.number(value, 0 if float(value).is_integer() else 1)
        for name, value in facts.items()
    }
    values["series"] = _(
        "%(service)s (%(channel)s), %(month)s",
        service=service,
        channel="" if channel is None else messages.translate(CHANNELS[channel]),
        month=messages.month(period),
    )
    remedy = _("Periksa angkanya; betulkan, atau jelaskan mengapa angka ini benar.")
    match kind:
        case "jump":
            values["counter"] = "" if measure is None else messages.translate(COUNTERS[measure])
            message = _(
                "%(series)s: %(counter)s %(value)s, padahal biasanya sekitar %(median)s "
                "(%(months)s bulan sebelumnya).",
                **values,
            )
        case "impossible":
            message = _(
                "%(series)s: %(decided)s selesai, ditolak, atau dikembalikan, padahal hanya "
                "%(submitted)s masuk dan paling banyak %(open_before)s tersisa dari bulan "
                "sebelumnya.",
                **values,
            )
        case "heaping":
            message = _(
                "Tahun %(year)s: %(round)s dari %(figures)s angka berakhir dengan 0 atau 5; "
                "kebetulan hanya memberi seperlima. Mungkin angka perkiraan.",
                year=period.year,
                **values,
            )
            remedy = _("Ambil angka dari buku register atau aplikasi, lalu betulkan atau jelaskan.")
        case "click_outs":
            message = _(
                "%(series)s: %(submitted)s permohonan daring, padahal e-Mall mengantar "
                "%(clicks)s orang ke portalnya.",
                **values,
            )
            remedy = _(
                "Periksa apakah semua permohonan daring terhitung dan portal berfungsi; "
                "betulkan, atau jelaskan."
            )
    return FlagTexts(message, remedy)
