"""What was written before an upgrade is there after it."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.conftest import Server
from tests.upgrading import upgrade

pytestmark = pytest.mark.slow

REGIONS = ("12.12", "12.71")
DIMENSIONS = (
    ("click_out", "gateway", "", "ktp", "simbg", "online", ""),
    ("form_end", "agency", "dukcapil", "ktp", "", "counter", "12.12.01"),
)
MOMENTS = (
    datetime(2024, 2, 29, 16, 59, 59, tzinfo=UTC),  # still February in Jakarta
    datetime(2024, 2, 29, 17, 0, tzinfo=UTC),  # March in Jakarta
    datetime(2024, 3, 5, 3, 0, tzinfo=UTC),
    datetime(2024, 3, 5, 3, 59, 59, tzinfo=UTC),
    datetime(2025, 12, 31, 17, 30, tzinfo=UTC),
)

Event = tuple[str, UUID, datetime, datetime, tuple[str, ...], str]


def fetch(address: str, statement: str) -> list[Any]:
    async def work() -> list[Any]:
        connection = await asyncpg.connect(address)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(work())


def write_as_before(address: str, events: list[Event]) -> None:
    """Store events in the tables of the first revision."""
    rows = [
        (region, key, at, received, *dimensions, by)
        for region, key, at, received, dimensions, by in events
    ]

    async def work() -> None:
        connection = await asyncpg.connect(address)
        try:
            await connection.executemany(
                "INSERT INTO feedback.event (region, id, occurred_at, received_at, kind, source, "
                "agency, service, link, channel, district, reported_by) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                rows,
            )
        finally:
            await connection.close()

    asyncio.run(work())


def test_events_of_the_first_revision_survive_the_way_to_the_newest(server: Server) -> None:
    received = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    events: list[Event] = [
        (region, uuid4(), moment, received, dimensions, f"key {number}")
        for region in REGIONS
        for dimensions in DIMENSIONS
        for number, moment in enumerate(MOMENTS)
    ]
    with server.database_from("template0") as name:
        address = server.address_of(name)
        upgrade(address, "feedback_0001")
        write_as_before(address, events)
        upgrade(address, "feedback@head")

        dimensions = "d.kind, d.source, d.agency, d.service, d.link, d.channel, d.district"
        stored = fetch(
            address,
            f"""
            SELECT e.region, e.id, e.occurred_at, e.received_at, ARRAY[{dimensions}], e.reported_by
            FROM feedback.event e
            JOIN feedback.event_dimensions d ON d.region = e.region AND d.id = e.dimensions
            """,
        )
        assert {(*row[:4], tuple(row[4]), row[5]) for row in stored} == set(events)
        assert len(stored) == len(events)
        ids = fetch(address, "SELECT region, id, occurred_at FROM feedback.event_id")
        assert set(ids) == {event[:3] for event in events}

        counts = fetch(
            address,
            f"""
            SELECT d.region, ARRAY[{dimensions}], to_char(m.month, 'YYYY-MM'), m.events::int
            FROM feedback.monthly_usage m
            JOIN feedback.event_dimensions d ON d.region = m.region AND d.id = m.dimensions
            """,
        )
        months = {"2024-02": 1, "2024-03": 3, "2026-01": 1}
        assert {(row[0], tuple(row[1]), row[2]): row[3] for row in counts} == {
            (region, dimensions, month): count
            for region in REGIONS
            for dimensions in DIMENSIONS
            for month, count in months.items()
        }
        hours = fetch(
            address,
            "SELECT hour, sum(events)::int FROM feedback.hourly_usage GROUP BY hour ORDER BY hour",
        )
        each = len(REGIONS) * len(DIMENSIONS)
        assert hours == [
            (datetime(2024, 2, 29, 16, tzinfo=UTC), each),
            (datetime(2024, 2, 29, 17, tzinfo=UTC), each),
            (datetime(2024, 3, 5, 3, tzinfo=UTC), 2 * each),
            (datetime(2025, 12, 31, 17, tzinfo=UTC), each),
        ]
        gone = fetch(address, "SELECT to_regclass('feedback.event_before')::text")
        assert gone == [(None,)]
        partitions = fetch(
            address,
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = 'feedback.event'::regclass ORDER BY 1",
        )
        assert [row[0] for row in partitions] == [
            f"feedback.event_{month.replace('-', '_')}" for month in months
        ]
