"""Turns the answer of another system into monthly statistics, as the pack maps it.

Pure: a document and a mapping in, statistics out. A document with one wrong item gives nothing:
half of a month is worse than none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from services.gateway.connectors.pack import Measure, StatisticsSourceConfig

MOST_ITEMS = 20_000
MOST_FAULTS = 5
MOST_COUNT = 1_000_000_000

_NOTHING = object()


class MappingError(Exception):
    """The document is not as the mapping says; the message names the first places."""


@dataclass(frozen=True)
class MappingResult:
    """What a document says, and which values the mapping does not know."""

    statistics: list[dict[str, Any]]
    unmapped_services: tuple[str, ...]
    """Names of services in it that the mapping has no service for: passed over, and told."""


def map_statistics(document: Any, source: StatisticsSourceConfig) -> MappingResult:
    """The statistics of a document; several items of one service and month are added up."""
    items = resolve_pointer(document, source.items)
    if not isinstance(items, list):
        raise MappingError(f"{source.items or 'the whole'}: is no list of items")
    listed = cast("list[Any]", items)
    if len(listed) > MOST_ITEMS:
        raise MappingError(f"{source.items}: has more than {MOST_ITEMS} items")
    sums: dict[tuple[str, str, str], dict[Measure, int]] = {}
    unknown: dict[str, None] = {}
    faults: list[str] = []
    for index, item in enumerate(listed):
        try:
            service = _service(item, source)
            if service.startswith("?"):
                unknown.setdefault(service[1:])
                continue
            key = (service, _channel(item, source), _period(item, source))
            counters = sums.setdefault(key, {})
            for measure, value in _counters(item, source).items():
                counters[measure] = counters.get(measure, 0) + value
        except _FaultError as fault:
            faults.append(f"{source.items}/{index}{fault}")
            if len(faults) >= MOST_FAULTS:
                break
    if faults:
        raise MappingError("; ".join(faults))
    statistics = [
        {
            "agency": source.agency,
            "service": service,
            "channel": channel,
            "period": period,
            "counters": counters,
        }
        for (service, channel, period), counters in sorted(sums.items())
        if counters
    ]
    return MappingResult(statistics, tuple(unknown)[:20])


class _FaultError(Exception):
    """A field of an item that cannot be read; the message begins with its pointer."""


def resolve_pointer(document: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) leads to; `None` where it leads nowhere."""
    found = _look(document, pointer)
    return None if found is _NOTHING else found


def _look(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = cast("dict[str, Any]", document).get(name, _NOTHING)
        elif isinstance(document, list) and re.fullmatch(r"0|[1-9][0-9]{0,5}", name):
            listed = cast("list[Any]", document)
            document = listed[int(name)] if int(name) < len(listed) else _NOTHING
        else:
            return _NOTHING
    return document


def _word(item: Any, pointer: str) -> str:
    """A text or a number, as a text."""
    value = _look(item, pointer)
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value).strip()
    raise _FaultError(f"{pointer}: must be a text or a number")


def _service(item: Any, source: StatisticsSourceConfig) -> str:
    """The service's slug; with `?` in front what stands there, where it means none."""
    mapping = source.service
    if mapping.constant is not None:
        return mapping.constant
    said = _word(item, mapping.pointer or "")
    return mapping.values.get(said, f"?{said[:100]}")


def _channel(item: Any, source: StatisticsSourceConfig) -> str:
    mapping = source.channel
    if mapping.constant is not None:
        return mapping.constant
    said = _word(item, mapping.pointer or "")
    if said not in mapping.values:
        raise _FaultError(f"{mapping.pointer}: {said[:100]!r} is mapped to no channel")
    return mapping.values[said]


def _period(item: Any, source: StatisticsSourceConfig) -> str:
    mapping = source.period
    if mapping.pointer is not None:
        said, where = _word(item, mapping.pointer), mapping.pointer
        found = re.fullmatch(r"(20\d\d)-?(0[1-9]|1[0-2])(-?\d\d.*)?", said, re.ASCII)
    else:
        year, month = _word(item, mapping.year or ""), _word(item, mapping.month or "")
        where, said = mapping.month, f"{year}-{month.zfill(2)}"
        found = re.fullmatch(r"(20\d\d)-(0[1-9]|1[0-2])", said, re.ASCII)
    if found is None:
        raise _FaultError(f"{where}: {said[:40]!r} is no month such as 2024-03")
    return f"{found[1]}-{found[2]}"


def _counters(item: Any, source: StatisticsSourceConfig) -> Mapping[Measure, int]:
    if source.measure is not None:
        said = _word(item, source.measure.pointer)
        if said not in source.measure.values:
            raise _FaultError(f"{source.measure.pointer}: {said[:100]!r} is mapped to no counter")
        return {source.measure.values[said]: _count(item, source.measure.value)}
    given = source.counters or {}
    # A counter that is not there, or null, is not known: it is left out and is no zero.
    return {
        measure: _count(item, pointer)
        for measure, pointer in given.items()
        if resolve_pointer(item, pointer) is not None
    }


def _count(item: Any, pointer: str) -> int:
    value = _look(item, pointer)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,10}\s*", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_COUNT:
        raise _FaultError(f"{pointer}: must be a count")
    return value
