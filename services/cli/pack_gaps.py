"""What a pack lacks: what is the regency's own, and what the methods read."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from services.assessment.evidence.records import IndexLevel, IndexValue, Observation
from services.assessment.methods import library
from services.assessment.methods import measure_definitions as m
from services.assessment.methods.definition import (
    AnyMethod,
    LevelsMethod,
    SatisfactionMethod,
)
from services.assessment.reports.gaps import VIEWS
from services.catalog.records import COMPONENTS, AgencyKind
from services.cli.pack_loader import ParsedPack

ASKED_KINDS: frozenset[AgencyKind] = frozenset(("dinas", "badan", "sekretariat", "inspektorat"))
"""Agencies of the regency that may be expected to have a website."""

REGISTER_OF_VIEW: Mapping[m.View, str] = {
    "stakeholders": "stakeholders",
    "meetings": "meetings",
    "action_items": "meetings",
    "attendance": "meetings",
    "agreements_in_force": "agreements",
    "agreements_ended": "agreements",
    "decisions_in_force": "decisions",
    "programmes": "programmes",
    "risks": "risks",
    "recognitions_24_months": "recognitions",
}
"""The kind of evidence whose rows a measure counts."""


class PackGap(NamedTuple):
    """Something that a pack does not say, and where it would stand."""

    what: str
    place: str

    def __str__(self) -> str:
        return f"belum diisi: {self.what} ({self.place})"


class MethodNeed(NamedTuple):
    """Something that a method reads, and whether the pack has it."""

    method: str
    what: str
    place: str
    present: bool

    def __str__(self) -> str:
        state = "ada" if self.present else "belum diisi"
        return f"{self.method}: {state}: {self.what} ({self.place})"


def gaps_of(pack: ParsedPack) -> list[PackGap]:
    """Return what is the regency's own and not in the pack, in the order of its files."""
    return list(_gaps(pack))


def _gaps(pack: ParsedPack) -> Iterator[PackGap]:
    regency, catalog = pack.regency, pack.catalog
    if regency.statistics_code is None:
        yield PackGap("kode BPS", "pack.yaml, statistics_code")
    if regency.lead_agency is None:
        yield PackGap("perangkat daerah yang memimpin kolaborasi", "pack.yaml, lead_agency")
    if regency.reporting_from is None:
        yield PackGap("bulan pertama pelaporan statistik", "pack.yaml, reporting_from")
    if regency.appearance is None:
        yield PackGap("warna dan motif daerah", "pack.yaml, appearance")
    if all(link.national for link in pack.links):
        yield PackGap("alamat situs web pemerintah daerah", "links.yaml, tanpa national: true")
    if not getattr(pack.connectors, "feeds", ()):
        yield PackGap("sumber pengumuman", "connectors.yaml, feeds")
    if not pack.districts:
        yield PackGap("daftar kecamatan", "districts.csv")
    for agency in catalog.agencies:
        if agency.kind in ASKED_KINDS and agency.website is None:
            yield PackGap(f"situs web {agency.short_name}", f"agencies.yaml, {agency.slug}.website")
    for place in catalog.places:
        missing = {
            field: name
            for field, name, value in (
                ("address", "alamat", place.address),
                ("hours", "jam buka", place.hours),
                ("telephone", "nomor telepon", place.telephone),
            )
            if not value
        }
        if missing:
            names, fields = (", ".join(part) for part in (missing.values(), missing))
            yield PackGap(f"{names} {place.name}", f"places.yaml, {place.slug}: {fields}")
    yield from _components(pack)


def _components(pack: ParsedPack) -> Iterator[PackGap]:
    """Yield how many components of the service standard each agency has not published."""
    missing: defaultdict[str, int] = defaultdict(int)
    counted = Counter(service.agency for service in pack.catalog.services)
    for service in pack.catalog.services:
        missing[service.agency] += COMPONENTS - len(service.components)
    for agency in pack.catalog.agencies:
        if missing[agency.slug]:
            yield PackGap(
                f"{missing[agency.slug]} dari {counted[agency.slug] * COMPONENTS} komponen standar "
                f"pelayanan {agency.short_name}",
                f"services/*.yaml, agency: {agency.slug}",
            )


def needs_of_methods(pack: ParsedPack) -> list[MethodNeed]:
    """Return what each method reads of a pack: surveys, subjects and registers.

    Methods are those of the distribution and the pack's own. Statistics, complaints and answers
    come while the hub runs; no pack can have them.
    """
    methods = [*library.read_methods().values(), *(one.method for one in pack.evidence.methods)]
    return [need for method in methods for need in dict.fromkeys(_needs(method, pack))]


def _needs(method: AnyMethod, pack: ParsedPack) -> Iterator[MethodNeed]:
    match method:
        case LevelsMethod():
            levels = pack.evidence.records.get("index-levels", ())
            present = any(isinstance(one, IndexLevel) and one.index == method.id for one in levels)
            place = f"evidence/index-levels.yaml, index: {method.id}"
            yield MethodNeed(method.id, "tingkat kematangan indikator", place, present)
        case SatisfactionMethod():
            yield _survey(method.id, "skm", pack)
        case _:
            for indicator in method.indicators():
                for part in m.nested_measures(indicator.measure):
                    yield from _needs_of_measure(method.id, part, pack)


def _needs_of_measure(method: str, part: m.Measure, pack: ParsedPack) -> Iterator[MethodNeed]:
    match part:
        case m.Count() | m.Share() | m.Attained() | m.AgenciesWith():
            yield _register(method, part.of, pack)
        case m.RequiredItems():
            yield _register(method, "decisions_in_force", pack)
        case m.HeldOfPlanned():
            yield _register(method, "programmes", pack)
        case m.SectorsPresent() | m.Evenness() | m.Attending():
            yield _register(method, "attendance", pack)
        case m.Ties():
            yield _register(method, "attendance", pack)
            if part.reported is not None:
                yield _survey(method, part.survey, pack)
        case m.Observed():
            observed = pack.evidence.records.get("observations", ())
            present = any(
                isinstance(one, Observation) and one.subject == part.subject for one in observed
            )
            place = f"evidence/observations.yaml, subject: {part.subject}"
            yield MethodNeed(method, f"pengamatan {part.subject}", place, present)
        case m.IndexProgress():
            values = pack.evidence.records.get("index-values", ())
            present = any(isinstance(one, IndexValue) and one.index == part.index for one in values)
            place = f"evidence/index-values.yaml, index: {part.index}"
            yield MethodNeed(method, f"nilai indeks {part.index}", place, present)
        case m.SurveyShare() | m.SurveyMean() | m.SatisfactionIndex():
            yield _survey(method, part.survey, pack)
        case _:  # what the hub counts itself, and composed measures
            pass


def _survey(method: str, survey: str, pack: ParsedPack) -> MethodNeed:
    present = any(one.slug == survey for one in pack.feedback.surveys)
    return MethodNeed(method, f"survei {survey}", f"surveys/*.yaml, slug: {survey}", present)


def _register(method: str, view: m.View, pack: ParsedPack) -> MethodNeed:
    kind = REGISTER_OF_VIEW[view]
    return MethodNeed(
        method,
        VIEWS[view].needed[0].lower() + VIEWS[view].needed[1:],
        f"evidence/{kind}.yaml",
        bool(pack.evidence.records.get(kind)),
    )
