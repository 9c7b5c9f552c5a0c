"""Loads what a pack says of systems of others: feeds, sources of statistics, how OSS counts."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator
from sqlalchemy import text

from services.gateway.connectors.oss.messages import Inbound
from services.platform.database import WriteSession
from services.platform.packs import (
    Change,
    FieldPath,
    PackError,
    PackModel,
    SourceFile,
    changes_between,
    duplicates,
    parse,
    read_yaml,
    undefined_references,
)
from services.platform.types import HttpsUrl, ShortText, Slug

Pointer = Annotated[str, StringConstraints(pattern=r"^(/([^~/\x00]|~0|~1)*)*$", max_length=200)]
"""JSON pointer (RFC 6901); empty for the whole."""
Measure = Literal["submitted", "in_review", "completed", "rejected", "returned"]
Channel = Literal["online", "counter", "phone", "visit", "email"]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,25}$")]
Said = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class WebsiteConfig(PackModel):
    """A website whose announcements the hub shows."""

    slug: Slug
    title: ShortText
    title_en: ShortText
    url: HttpsUrl = Field(
        description="A feed (RSS, Atom, WordPress JSON), or a page whose head names one."
    )
    sources: list[Slug] = Field(min_length=1, description="Where the address is from.")


class ServiceMapping(PackModel):
    """Which service an item is about."""

    constant: Slug | None = None
    pointer: Pointer | None = Field(None, description="Into the item.")
    values: dict[Said, Slug] = Field(
        default_factory=dict, description="What stands there, and the service it means."
    )

    @model_validator(mode="after")
    def _one_way(self) -> "ServiceMapping":
        if (self.constant is None) == (self.pointer is None):
            raise ValueError("needs either constant, or pointer with values")
        if self.pointer is not None and not self.values:
            raise ValueError("needs values: what stands there, and the service it means")
        return self


class ChannelMapping(PackModel):
    """Through which channel an item's applications came."""

    constant: Channel | None = None
    pointer: Pointer | None = None
    values: dict[Said, Channel] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_way(self) -> "ChannelMapping":
        if (self.constant is None) == (self.pointer is None):
            raise ValueError("needs either constant, or pointer with values")
        return self


class PeriodMapping(PackModel):
    """Which month an item is of: one field such as 2024-03 or 2024-03-31, or year and month."""

    pointer: Pointer | None = None
    year: Pointer | None = None
    month: Pointer | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "PeriodMapping":
        if (self.pointer is None) == (self.year is None) or (self.year is None) != (
            self.month is None
        ):
            raise ValueError("needs either pointer, or year and month")
        return self


class MeasureMapping(PackModel):
    """Which counter an item's value is, where each item has one value."""

    pointer: Pointer
    values: dict[Said, Measure] = Field(min_length=1)
    value: Pointer


class StatisticsSourceConfig(PackModel):
    """A JSON address whose figures become monthly statistics of an agency."""

    slug: Slug
    title: ShortText
    title_en: ShortText
    url: HttpsUrl = Field(description="`{year}` stands for the year of the last whole month.")
    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,50}$")] | None = (
        Field(None, description="Header that carries the secret named in EMALL_SOURCE_SECRETS.")
    )
    agency: Slug
    items: Pointer = Field(description="The list of items in the answer.")
    service: ServiceMapping
    channel: ChannelMapping
    period: PeriodMapping
    counters: dict[Measure, Pointer] | None = Field(
        None, description="Counters and where they stand in an item."
    )
    measure: MeasureMapping | None = None
    sources: list[Slug] = Field(min_length=1, description="Where address and format are from.")

    @model_validator(mode="after")
    def _one_way(self) -> "StatisticsSourceConfig":
        if bool(self.counters) == (self.measure is not None):
            raise ValueError("needs either counters, or measure")
        return self


class CountingRule(PackModel):
    """Messages of OSS that count for a service."""

    message: Inbound | Literal["receiveLicenseStatus"] = Field(
        description="A message from OSS, or what the hub told it."
    )
    where: dict[
        Literal[
            "kd_daerah",
            "jenis_pelaku_usaha",
            "skala_usaha",
            "status_nib",
            "kd_izin",
            "kd_status",
            "change",
        ],
        list[Code],
    ] = Field(
        default_factory=dict,
        description="Codes that the message must have; `change`: yes or no, whether it tells of a "
        "change of a NIB that was there.",
    )
    each: Literal["message", "licence"] = Field(
        "message", description="Whether a message counts once, or once for each licence in it."
    )
    service: Slug
    measure: Measure


class CountingRules(PackModel):
    """How messages of OSS become usage statistics; a new version counts all of them again."""

    version: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,40}$")]
    agency: Slug
    rules: list[CountingRule] = Field(min_length=1)
    sources: list[Slug] = Field(min_length=1)


class ConnectorFile(PackModel):
    """`connectors.yaml`"""

    feeds: list[WebsiteConfig] = Field(default_factory=list[WebsiteConfig])
    statistics: list[StatisticsSourceConfig] = Field(default_factory=list[StatisticsSourceConfig])
    oss: CountingRules | None = None


STORED = """
-- The sources of a region.
SELECT slug, kind, content FROM gateway.connected_source WHERE region = :region
"""

STORE = """
-- A source as the pack describes it; one that changed is asked soon, and for the whole answer.
INSERT INTO gateway.connected_source (region, slug, kind, content, due_at)
VALUES (:region, :slug, :kind, CAST(:content AS jsonb), now())
ON CONFLICT (region, slug) DO UPDATE SET kind = excluded.kind, content = excluded.content,
    due_at = excluded.due_at, validators = '{}', lease_id = NULL
"""

REMOVE = """
-- A source that left the pack.
DELETE FROM gateway.connected_source WHERE region = :region AND slug = :slug
"""

FORGET = """
-- What it announced.
DELETE FROM gateway.announcement WHERE region = :region AND source = :slug
"""

STORED_COUNTING = """
-- How messages of OSS count.
SELECT content FROM gateway.oss_counting_rules WHERE region = :region
"""

STORE_COUNTING = """
-- How messages of OSS count from now on.
INSERT INTO gateway.oss_counting_rules (region, content) VALUES (:region, CAST(:content AS jsonb))
ON CONFLICT (region) DO UPDATE SET content = excluded.content
"""

REMOVE_COUNTING = """
-- Messages of OSS no longer count.
DELETE FROM gateway.oss_counting_rules WHERE region = :region
"""


def read_connectors(root: Path, *, services: Mapping[str, str]) -> ConnectorFile:
    """What a pack says of systems of others; nothing where it has no `connectors.yaml`.

    `services` are those of the pack with their agencies. `PackError` with every fault.
    """
    file = root / "connectors.yaml"
    if not file.exists():
        return ConnectorFile()
    located = read_yaml(file, root)
    found = parse(located, ConnectorFile)
    known = [
        source.id for source in parse(read_yaml(root / "sources.yaml", root), SourceFile).sources
    ]
    slugs = [feed.slug for feed in found.feeds]
    faults = [
        *duplicates(located, "feeds", slugs),
        *duplicates(located, "statistics", [source.slug for source in found.statistics]),
        *undefined_references(located, _cited(found), known, kind="source"),
        *(
            located.issue(path, f"{agency} has no service {service!r} in this pack")
            for path, agency, service in _served(found)
            if services.get(service) != agency
        ),
        *(
            located.issue(("statistics", index, "slug"), f"{source.slug!r} is a feed already")
            for index, source in enumerate(found.statistics)
            if source.slug in slugs or source.slug == "oss"
        ),
    ]
    if faults:
        raise PackError(faults)
    return found


def _cited(found: ConnectorFile) -> list[tuple[FieldPath, str]]:
    lists: list[tuple[FieldPath, Collection[str]]] = [
        *((("feeds", index), feed.sources) for index, feed in enumerate(found.feeds)),
        *((("statistics", index), each.sources) for index, each in enumerate(found.statistics)),
        *([(("oss",), found.oss.sources)] if found.oss else []),
    ]
    return [((*path, "sources", n), name) for path, names in lists for n, name in enumerate(names)]


def _served(found: ConnectorFile) -> Iterable[tuple[FieldPath, str, str]]:
    """Every service that is named, where, and the agency that has to have it."""
    for index, source in enumerate(found.statistics):
        path: FieldPath = ("statistics", index, "service")
        if source.service.constant is not None:
            yield (*path, "constant"), source.agency, source.service.constant
        for value, service in source.service.values.items():
            yield (*path, "values", value), source.agency, service
    if found.oss is not None:
        for index, rule in enumerate(found.oss.rules):
            yield ("oss", "rules", index, "service"), found.oss.agency, rule.service


async def load_connectors(
    session: WriteSession, region: str, connectors: ConnectorFile
) -> list[Change]:
    """Makes the stored sources of a region these."""
    of_region = {"region": region}
    rows = await session.execute(text(STORED), of_region)
    stored: dict[str, dict[str, Any]] = {
        row.slug: {"kind": row.kind, **row.content} for row in rows
    }
    wanted = {
        each.slug: {"kind": kind, **each.model_dump(mode="json")}
        for kind, group in (("feed", connectors.feeds), ("statistics", connectors.statistics))
        for each in group
    }
    changes = changes_between("connector", stored, wanted)
    for change in changes:
        named = of_region | {"slug": change.key}
        if change.action == "removed":
            await session.execute(text(FORGET), named)
            await session.execute(text(REMOVE), named)
            continue
        content = dict(wanted[change.key])
        kind = content.pop("kind")
        await session.execute(text(STORE), named | {"kind": kind, "content": json.dumps(content)})
    return changes + await _load_counting(session, region, connectors.oss)


async def _load_counting(
    session: WriteSession, region: str, counting: CountingRules | None
) -> list[Change]:
    of_region = {"region": region}
    before = await session.scalar(text(STORED_COUNTING), of_region)
    wanted = {} if counting is None else {"oss": counting.model_dump(mode="json")}
    changes = changes_between("connector", {} if before is None else {"oss": before}, wanted)
    if changes and counting is None:
        await session.execute(text(REMOVE_COUNTING), of_region)
    elif changes:
        await session.execute(
            text(STORE_COUNTING), of_region | {"content": json.dumps(wanted["oss"])}
        )
    return changes
