"""What a record of the catalogue refers to: sources, places, other services and so on."""

from collections.abc import Iterator, Sequence

from services.catalog.queries import Target
from services.catalog.records import (
    Agency,
    DocumentType,
    Place,
    ProcessingTime,
    Requirement,
    Service,
    Tariff,
)
from services.platform.packs import FieldPath, Source

Reference = tuple[Target, FieldPath, str]
"""A reference: the kind of its target, its location in the record, and the target's key."""


def references_of(service: Service) -> Iterator[Reference]:
    """Yield the references of a service."""
    yield "agency", ("agency",), service.agency
    yield from _checked((), service.sources, None)
    for code, component in service.components.items():
        yield from _checked(("components", code), component.sources, component.checked_by)
    for n, event in enumerate(service.life_events):
        yield "life event", ("life_events", n), event
    for n, channel in enumerate(service.channels):
        at: FieldPath = ("channels", n)
        if channel.link is not None:
            yield "link", (*at, "link"), channel.link
        yield from _terms(at, channel.requirements, channel.tariffs, channel.time)
    for n, case in enumerate(service.cases):
        at = ("cases", n)
        yield from _checked(at, case.sources, case.checked_by)
        yield from _terms(at, case.requirements, case.tariffs, case.time)
    yield from _terms((), (), service.tariffs, service.time)
    for n, output in enumerate(service.outputs):
        if output.document is not None:
            yield "document type", ("outputs", n, "document"), output.document
    for n, place in enumerate(service.places):
        yield "place", ("places", n), place
    for field in ("requires", "followed_by", "related"):
        for n, slug in enumerate(getattr(service, field)):
            yield "service", (field, n), slug


def references_of_place(place: Place) -> Iterator[Reference]:
    """Yield the references of a place."""
    yield "agency", ("agency",), place.agency
    yield from _checked((), place.sources, None)
    for n, exception in enumerate(place.exceptions):
        yield from _checked(("exceptions", n), exception.sources, None)


def references_of_agency(agency: Agency) -> Iterator[Reference]:
    """Yield the references of an agency."""
    yield from _checked((), agency.sources, None)


def references_of_document_type(document: DocumentType) -> Iterator[Reference]:
    """Yield the references of a document type."""
    yield from _checked((), document.sources, None)
    if document.issued_by_service is not None:
        yield "service", ("issued_by_service",), document.issued_by_service


def references_of_source(source: Source) -> Iterator[Reference]:
    """Yield the references of a source."""
    for n, other in enumerate(source.amended_by):
        yield "source", ("amended_by", n), other


def _checked(at: FieldPath, sources: Sequence[str], checked_by: str | None) -> Iterator[Reference]:
    for n, source in enumerate(sources):
        yield "source", (*at, "sources", n), source
    if checked_by is not None:
        yield "agency", (*at, "checked_by"), checked_by


def _terms(
    at: FieldPath,
    requirements: Sequence[Requirement],
    tariffs: Sequence[Tariff],
    time: ProcessingTime | None,
) -> Iterator[Reference]:
    for n, requirement in enumerate(requirements):
        if requirement.document is not None:
            yield "document type", (*at, "requirements", n, "document"), requirement.document
    for n, tariff in enumerate(tariffs):
        place = (*at, "tariffs", n, "legal_basis", "source")
        yield "source", place, tariff.legal_basis.source
    if time is not None:
        yield "source", (*at, "time", "legal_basis", "source"), time.legal_basis.source
