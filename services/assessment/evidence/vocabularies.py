"""Closed vocabularies of evidence: subjects, instruments, procedures and elements.

A code that no method reads and no vocabulary names is a typing mistake: it would count nowhere.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from services.assessment.evidence.records import (
    Decision,
    Evidence,
    IndexLevel,
    Observation,
    Verdict,
)
from services.assessment.method_store import list_methods
from services.assessment.methods.definition import (
    AnyMethod,
    CollaborationMethod,
    CompositeMethod,
    LevelsMethod,
)
from services.assessment.methods.library import METHODS
from services.assessment.methods.measure_definitions import Observed, RequiredItems, nested_measures
from services.assessment.types import Code, Unit
from services.platform.database import ReadSession, WriteSession
from services.platform.packs import FieldPath, PackModel, parse, read_yaml
from services.platform.translation import N_, LocalizedText, localized
from services.platform.types import ShortText

VOCABULARY = METHODS / "evidence" / "vocabulary.yaml"

PackagedList = Literal["subjects", "instruments", "procedures"]
PACKAGED: tuple[PackagedList, ...] = ("subjects", "instruments", "procedures")
List = PackagedList | Literal["elements"]
"""Elements are of methods only."""
MAX_METHODS = 100_000


class VocabularyFile(PackModel):
    """`methods/evidence/vocabulary.yaml`: each code with its meaning."""

    subjects: dict[Code, ShortText]
    units: dict[Unit, list[Code]] = Field(description="The unit that figures of subjects have.")
    instruments: dict[Code, ShortText]
    procedures: dict[Code, ShortText]


@dataclass(frozen=True)
class Vocabularies:
    """The codes that evidence may use, by list."""

    codes: Mapping[List, frozenset[str]]
    units: Mapping[str, Unit]
    """The unit of a subject's figures, where the vocabulary has one."""
    indices: Mapping[str, LevelsMethod]
    """The indices of levels, by id."""

    def faults_of(self, record: Evidence) -> Iterator[tuple[FieldPath, LocalizedText]]:
        """Yield each field with a code or a unit that is in no list, and what would be right."""
        for path, name, code in _codes_of(record):
            if code not in self.codes[name]:
                codes = ", ".join(sorted(self.codes[name]))
                yield path, localized(N_("harus salah satu dari %(expected)s"), expected=codes)
        if isinstance(record, Observation) and record.has_figure:
            unit = self.units.get(record.subject)
            if unit is not None and record.unit != unit:
                message = N_("harus %(unit)s: angka %(subject)s adalah %(unit)s")
                yield ("unit",), localized(message, unit=unit, subject=record.subject)
        if isinstance(record, IndexLevel):
            yield from self._faults_of_level(record)

    def _faults_of_level(self, record: IndexLevel) -> Iterator[tuple[FieldPath, LocalizedText]]:
        index = self.indices.get(record.index)
        if index is None:
            names = ", ".join(sorted(self.indices))
            yield ("index",), localized(N_("harus indeks bertingkat: %(names)s"), names=names)
            return
        numbers = [one.number for one in index.indicators]
        if record.indicator not in numbers:
            message = N_("%(index)s mempunyai indikator %(first)s sampai %(last)s")
            span = {"first": min(numbers), "last": max(numbers)}
            yield ("indicator",), localized(message, index=index.id, **span)
        lowest, highest = index.levels
        if not lowest <= record.level <= highest:
            message = N_("harus dari %(lowest)s sampai %(highest)s, tingkat %(index)s")
            yield (
                ("level",),
                localized(message, lowest=lowest, highest=highest, index=index.id),
            )


@cache
def packaged_vocabulary(file: Path = VOCABULARY) -> VocabularyFile:
    """Return the packaged codes; `PackError` names file, line and field of each issue."""
    return parse(read_yaml(file, file.parent), VocabularyFile)


def vocabularies_of(methods: Iterable[AnyMethod]) -> Vocabularies:
    """Return the packaged codes with those that these methods read."""
    packaged = packaged_vocabulary()
    codes: dict[List, set[str]] = {name: set(getattr(packaged, name)) for name in PACKAGED}
    codes["elements"] = set()
    indices: dict[str, LevelsMethod] = {}
    for method in methods:
        if isinstance(method, LevelsMethod):
            indices[method.id] = method
        if not isinstance(method, CollaborationMethod | CompositeMethod):
            continue
        if isinstance(method, CollaborationMethod):
            codes["elements"] |= {element.code for element in method.elements()}
        for indicator in method.indicators():
            for part in nested_measures(indicator.measure):
                match part:
                    case Observed():
                        codes["subjects"].add(part.subject)
                    case RequiredItems():
                        codes[part.field] |= set(part.required)
                        # An observation may know that all of them, or one, are absent.
                        codes["subjects"].add(part.field)
                        codes["subjects"] |= {f"{part.field}_{code}" for code in part.required}
                        codes["subjects"] |= set(part.subjects_of_absence())
                    case _:
                        pass
    units: dict[str, Unit] = {
        subject: unit for unit, subjects in packaged.units.items() for subject in subjects
    }
    closed: dict[List, frozenset[str]] = {name: frozenset(found) for name, found in codes.items()}
    return Vocabularies(closed, units, indices)


async def find_vocabularies(session: ReadSession | WriteSession, region: str) -> Vocabularies:
    """Return the codes that the hub's methods and the packaged vocabulary name."""
    found = await list_methods(session, region, cursor=None, limit=MAX_METHODS)
    return vocabularies_of(one.method for one in found)


def _codes_of(record: Evidence) -> Iterator[tuple[FieldPath, List, str]]:
    match record:
        case Observation():
            yield ("subject",), "subjects", record.subject
        case Decision():
            for n, code in enumerate(record.instruments):
                yield ("instruments", n), "instruments", code
            for n, code in enumerate(record.procedures):
                yield ("procedures", n), "procedures", code
        case Verdict():
            yield ("element",), "elements", record.element
        case _:
            pass
