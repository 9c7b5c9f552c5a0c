"""Maps a JSON document to monthly statistics, as the pack configures it.

Pure: takes a document and a mapping, returns statistics. One invalid item rejects the whole
document, because a part of a month is worse than no figure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from services.gateway.connectors.json_statistics.config import JsonStatisticsConfig
from services.gateway.connectors.statistics_client import Channel, Measure, MonthlyStatistics

MAX_ITEMS = 20_000
MAX_ERRORS = 5
MAX_COUNT = 1_000_000_000
MAX_UNMAPPED_SERVICES = 20

_MISSING = object()


class MappingError(Exception):
    """The document does not match the mapping; the message names the first invalid fields."""


@dataclass(frozen=True)
class MappingResult:
    """The statistics of a document, and the service names without a mapping."""

    statistics: list[MonthlyStatistics]
    unmapped_services: tuple[str, ...]
    """Names in the document that no service is mapped to: their items are skipped."""


def map_statistics(document: Any, source: JsonStatisticsConfig) -> MappingResult:
    """Return the statistics of a document; items of one service, channel and month are summed."""
    items = resolve_pointer(document, source.items)
    if not isinstance(items, list):
        raise MappingError(f"{source.items or 'the document'}: must be a list of items")
    listed = cast("list[Any]", items)
    if len(listed) > MAX_ITEMS:
        raise MappingError(f"{source.items}: has more than {MAX_ITEMS} items")
    sums: dict[tuple[str, Channel, str], dict[Measure, int]] = {}
    unmapped: dict[str, None] = {}
    errors: list[str] = []
    for index, item in enumerate(listed):
        try:
            service, name = _service(item, source)
            if service is None:
                unmapped.setdefault(name)
                continue
            key = (service, _channel(item, source), _period(item, source))
            counters = sums.setdefault(key, {})
            for measure, value in _counters(item, source).items():
                counters[measure] = counters.get(measure, 0) + value
        except _ItemError as error:
            errors.append(f"{source.items}/{index}{error}")
            if len(errors) >= MAX_ERRORS:
                break
    if errors:
        raise MappingError("; ".join(errors))
    statistics = [
        MonthlyStatistics(source.agency, service, channel, period, counters)
        for (service, channel, period), counters in sorted(sums.items())
        if counters
    ]
    return MappingResult(statistics, tuple(unmapped)[:MAX_UNMAPPED_SERVICES])


class _ItemError(Exception):
    """An invalid field of an item; the message begins with the field's pointer."""


def resolve_pointer(document: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer (RFC 6901); None if there is none."""
    value = _resolve(document, pointer)
    return None if value is _MISSING else value


def _resolve(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = cast("dict[str, Any]", document).get(name, _MISSING)
        elif isinstance(document, list) and re.fullmatch(r"0|[1-9][0-9]{0,5}", name):
            listed = cast("list[Any]", document)
            document = listed[int(name)] if int(name) < len(listed) else _MISSING
        else:
            return _MISSING
    return document


def _text(item: Any, pointer: str) -> str:
    """Return a string or an integer as a string."""
    value = _resolve(item, pointer)
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value).strip()
    raise _ItemError(f"{pointer}: must be a text or a number")


def _service(item: Any, source: JsonStatisticsConfig) -> tuple[str | None, str]:
    """Return the service's slug, None if none is mapped, and its name in the item."""
    mapping = source.service
    if mapping.constant is not None:
        return mapping.constant, ""
    name = _text(item, mapping.pointer or "")
    return mapping.values.get(name), name[:100]


def _channel(item: Any, source: JsonStatisticsConfig) -> Channel:
    mapping = source.channel
    if mapping.constant is not None:
        return mapping.constant
    value = _text(item, mapping.pointer or "")
    if value not in mapping.values:
        raise _ItemError(f"{mapping.pointer}: no channel is mapped to {value[:100]!r}")
    return mapping.values[value]


def _period(item: Any, source: JsonStatisticsConfig) -> str:
    mapping = source.period
    if mapping.pointer is not None:
        value, pointer = _text(item, mapping.pointer), mapping.pointer
        match = re.fullmatch(r"(20\d\d)-?(0[1-9]|1[0-2])(-?\d\d.*)?", value, re.ASCII)
    else:
        year, month = _text(item, mapping.year or ""), _text(item, mapping.month or "")
        pointer, value = mapping.month, f"{year}-{month.zfill(2)}"
        match = re.fullmatch(r"(20\d\d)-(0[1-9]|1[0-2])", value, re.ASCII)
    if match is None:
        raise _ItemError(f"{pointer}: {value[:40]!r} is not a month such as 2024-03")
    return f"{match[1]}-{match[2]}"


def _counters(item: Any, source: JsonStatisticsConfig) -> Mapping[Measure, int]:
    if source.measure is not None:
        value = _text(item, source.measure.pointer)
        if value not in source.measure.values:
            raise _ItemError(f"{source.measure.pointer}: no counter is mapped to {value[:100]!r}")
        return {source.measure.values[value]: _count(item, source.measure.value)}
    # A missing or null counter is unknown: it is left out and is not a zero.
    return {
        measure: _count(item, pointer)
        for measure, pointer in (source.counters or {}).items()
        if resolve_pointer(item, pointer) is not None
    }


def _count(item: Any, pointer: str) -> int:
    value = _resolve(item, pointer)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,10}\s*", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise _ItemError(f"{pointer}: must be a count from 0 to {MAX_COUNT}")
    return value
