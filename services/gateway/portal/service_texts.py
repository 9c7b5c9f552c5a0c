"""Words for opening hours, processing times, tariffs and checks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from services.catalog.client import Opening, OpeningRule, ProcessingTime, ServiceDetail, Tariff
from services.gateway.portal.service_checks import last_check
from services.platform.local_time import day_of
from services.platform.translation import N_, Message, Translator

WEEKDAYS: Mapping[str, Message] = {
    "MO": N_("Senin"),
    "TU": N_("Selasa"),
    "WE": N_("Rabu"),
    "TH": N_("Kamis"),
    "FR": N_("Jumat"),
    "SA": N_("Sabtu"),
    "SU": N_("Minggu"),
}
_PART = re.compile(r"(\d+)([YMWDHS])")
_LAST = "-1"
_ANY_DAY = date.min


@dataclass(frozen=True)
class ServiceTexts:
    """Hours, times, tariffs and checks in the language of a page."""

    messages: Translator
    now: datetime
    zone: ZoneInfo

    def opening(self, opening: Opening) -> str:
        """Return whether a place is open and until when, such as `Buka sampai 16.00`."""
        _ = self.messages.gettext
        if opening.open is None:
            return _("Jam buka belum dipublikasikan")
        if opening.changes_at is None:
            return _("Buka 24 jam") if opening.open else _("Tutup")
        change = opening.changes_at.astimezone(self.zone)
        at = self.messages.clock(change)
        if change.date() != self.now.astimezone(self.zone).date():
            weekday = self.messages.translate(list(WEEKDAYS.values())[change.weekday()])
            at = f"{weekday} {self.messages.day_of_year(change.date())}, {at}"
        if opening.open:
            return _("Buka sampai %(time)s", time=at)
        return _("Tutup, buka %(time)s", time=at)

    def rule(self, rule: OpeningRule) -> str:
        """Return the days and hours of a rule, such as `Senin, Selasa: 08.00-16.00`."""
        days = ", ".join(self._day(byday) for byday in rule.byday)
        return f"{days}: {self.hours(rule.opens, rule.closes)}"

    def hours(self, opens: str, closes: str) -> str:
        """Return the hours of a day, such as `08.00-16.00`."""
        if opens == closes:
            return self.messages.gettext("24 jam")
        return f"{self._clock(opens)}-{self._clock(closes)}"

    def duration(self, duration: str, *, in_working_days: bool = False) -> str:
        """Return an ISO 8601 duration in words, such as `14 hari kerja`."""
        ngettext, is_time = self.messages.ngettext, duration.startswith("PT")
        words: list[str] = []
        for amount, unit in _PART.findall(duration):
            n = int(amount)
            match unit, is_time, in_working_days:
                case "D", _, True:
                    words.append(ngettext("%(num)s hari kerja", "%(num)s hari kerja", n))
                case "D", _, _:
                    words.append(ngettext("%(num)s hari", "%(num)s hari", n))
                case "W", _, _:
                    words.append(ngettext("%(num)s minggu", "%(num)s minggu", n))
                case "M", False, _:
                    words.append(ngettext("%(num)s bulan", "%(num)s bulan", n))
                case "Y", _, _:
                    words.append(ngettext("%(num)s tahun", "%(num)s tahun", n))
                case "H", _, _:
                    words.append(ngettext("%(num)s jam", "%(num)s jam", n))
                case "M", True, _:
                    words.append(ngettext("%(num)s menit", "%(num)s menit", n))
                case _:
                    words.append(ngettext("%(num)s detik", "%(num)s detik", n))
        return " ".join(words)

    def time(self, given: ProcessingTime) -> str:
        """Return a processing time in words."""
        return self.duration(given.duration, in_working_days=given.in_working_days)

    def tariff(self, tariff: Tariff) -> str:
        """Return what is paid, such as `Gratis` or `Rp30.000`; the item if it is computed."""
        if tariff.amount is None:
            return str(self.messages.field(tariff, "item"))
        if tariff.amount == 0:
            return self.messages.gettext("Gratis")
        if tariff.currency == "IDR":
            return f"Rp{self.messages.number(tariff.amount)}"
        return f"{tariff.currency} {self.messages.number(tariff.amount)}"

    def checked(self, detail: ServiceDetail) -> str:
        """Return when an agency last checked a service, such as `Diperiksa 3 bulan yang lalu`."""
        _, check, agency = self.messages.gettext, last_check(detail.service), detail.agency
        if check is None:
            return _(
                "Belum diperiksa %(agency)s; disusun dari sumber yang disebut di halaman ini.",
                agency=agency.short_name,
            )
        today = day_of(self.now, self.zone)
        values = {
            "ago": self.messages.days_ago(check.on, today=today),
            "day": self.date(check.on),
            "agency": agency.short_name,
        }
        if check.by != frozenset({agency.slug}):
            if check.is_of_all_parts:
                return _("Diperiksa %(ago)s (%(day)s).", **values)
            return _("Sebagian diperiksa, terakhir %(ago)s (%(day)s).", **values)
        if check.is_of_all_parts:
            return _("Diperiksa %(agency)s %(ago)s (%(day)s).", **values)
        return _("Sebagian diperiksa %(agency)s, terakhir %(ago)s (%(day)s).", **values)

    def date(self, day: date) -> str:
        """Return a day with its year, such as `17 Desember 2026`."""
        return self.messages.long_date(day)

    def day(self, moment: datetime) -> str:
        """Return the day of a moment where the regency is, such as `17 Desember 2026`."""
        return self.date(day_of(moment, self.zone))

    def _day(self, byday: str) -> str:
        day, nth = self.messages.translate(WEEKDAYS[byday[-2:]]), byday[:-2]
        if not nth:
            return day
        if nth == _LAST:
            return self.messages.gettext("%(day)s terakhir tiap bulan", day=day)
        return self.messages.gettext("%(day)s ke-%(nth)s tiap bulan", day=day, nth=nth)

    def _clock(self, value: str) -> str:
        return self.messages.clock(datetime.combine(_ANY_DAY, time.fromisoformat(value)))
