"""Single events are kept by the month, dropped by the month, and never counted a second time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import pytest
from typer.testing import CliRunner

from services.cli.app import app as cli
from services.feedback.app import create_app
from services.feedback.events.partitions import (
    RetentionResult,
    apply_retention,
    create_partitions,
    oldest_retained_month,
)
from services.platform.database import Connection, Database
from services.platform.local_time import DEFAULT_ZONE, month_of
from services.platform.months import add_months
from services.platform.settings import Service, Settings, load_settings
from tests.conftest import Room, agency_caller, room

Result = TypeVar("Result")
NOW = datetime(2026, 11, 25, tzinfo=UTC)
WRITER = agency_caller("dukcapil", "usage:write")


def with_database(settings: Settings, work: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Run this on a connection of the feedback service."""

    async def run() -> Result:
        connection = await Database(settings, Service.feedback).connect(purpose="test")
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def fetch(settings: Settings, statement: str) -> list[Any]:
    async def work(connection: Connection) -> list[Any]:
        return [row[0] for row in await connection.fetch(statement)]

    return with_database(settings, work)


def partitions(settings: Settings) -> list[str]:
    return fetch(
        settings,
        "SELECT inhrelid::regclass::text FROM pg_inherits "
        "WHERE inhparent = 'feedback.event'::regclass ORDER BY 1",
    )


def keep(settings: Settings, *, now: datetime = NOW, months: int = 13) -> RetentionResult:
    """Run the retention once the service's own run is over."""

    async def work(connection: Connection) -> RetentionResult:
        async with asyncio.timeout(20):
            while True:
                stored = await apply_retention(
                    connection,
                    settings.region,
                    DEFAULT_ZONE,
                    now=now,
                    retention_months=months,
                )
                if stored is not None:
                    return stored
                await asyncio.sleep(0.02)

    return with_database(settings, work)


def event(occurred_at: str, **more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()), "kind": "search", "source": "kiosk", "occurred_at": occurred_at
    } | more  # fmt: skip


def send(office: Room, *events: dict[str, Any]) -> Any:
    return office.post("/api/v1/usage/events", {"events": list(events)}, caller=WRITER)


def counted(office: Room) -> int:
    answer = office.get("/api/v1/usage/summary?from=2020-01-01&to=2030-12-31")
    return sum(item["value"] for item in answer.json()["items"])


def test_months_are_those_of_jakarta() -> None:
    assert month_of(datetime(2026, 2, 28, 17, tzinfo=UTC), DEFAULT_ZONE) == date(2026, 3, 1)
    assert month_of(datetime(2026, 2, 28, 16, 59, tzinfo=UTC), DEFAULT_ZONE) == date(2026, 2, 1)
    assert add_months(date(2026, 1, 1), -1) == date(2025, 12, 1)
    assert add_months(date(2026, 11, 1), 2) == date(2027, 1, 1)


def test_thirteen_whole_months_are_retained_and_none_before_2020() -> None:
    assert oldest_retained_month(NOW, DEFAULT_ZONE, retention_months=13) == date(2025, 10, 1)
    assert oldest_retained_month(NOW, DEFAULT_ZONE, retention_months=1200) == date(2020, 1, 1)


def test_months_are_opened_ahead_and_once(empty: Settings) -> None:
    assert keep(empty).partitions == ()
    ahead = ["feedback.event_2026_11", "feedback.event_2026_12", "feedback.event_2027_01"]
    assert partitions(empty) == ahead
    assert keep(empty).partitions == ()
    assert partitions(empty) == ahead


def test_a_month_is_opened_by_many_at_once_and_while_events_are_written(empty: Settings) -> None:
    async def work() -> None:
        database = Database(empty, Service.feedback)
        writer = await database.connect(purpose="test")
        transaction = writer.transaction()
        await transaction.start()
        await writer.execute("LOCK TABLE feedback.event IN ROW EXCLUSIVE MODE")  # as an INSERT does

        async def open_one() -> list[date]:
            connection = await database.connect(purpose="test")
            try:
                async with asyncio.timeout(10):
                    return await create_partitions(connection, empty.region, [date(2026, 5, 1)])
            finally:
                await connection.close()

        assert await asyncio.gather(*(open_one() for _ in range(8))) == [[]] * 8
        await transaction.rollback()
        await writer.close()

    asyncio.run(work())
    assert partitions(empty) == ["feedback.event_2026_05"]


def test_the_service_can_open_months_and_make_no_other_table(empty: Settings) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        fetch(empty, "CREATE TABLE feedback.own (region text)")
    with pytest.raises(asyncpg.RaiseError, match="is not the first day of a month"):
        fetch(empty, "SELECT feedback.create_event_partition('12.12', '2026-05-02')")


def test_what_is_over_is_dropped_whole_and_its_counts_stay(empty: Settings) -> None:
    with room(create_app, empty) as office:
        old = event("2024-02-29T12:00:00+07:00")
        stored = event("2026-11-05T12:00:00+07:00")
        assert send(office, old, stored).json() == {"accepted": 2, "repeated": 0}
        before = counted(office)
        done = keep(empty)
        assert done.partitions == ("event_2024_02",)
        assert (done.oldest_month, done.ids_deleted) == (date(2025, 10, 1), 1)
        assert fetch(empty, "SELECT count(*) FROM feedback.event") == [1]
        assert fetch(empty, "SELECT id::text FROM feedback.event_id") == [stored["id"]]
        assert counted(office) == before == 2


def test_an_event_of_a_dropped_month_is_refused_and_counted_no_second_time(
    empty: Settings,
) -> None:
    """Even by a service that would keep it for longer."""
    old = event("2024-02-29T12:00:00+07:00")
    with room(create_app, empty) as office:
        send(office, old)
        keep(empty)
        answer = send(office, event("2026-11-05T12:00:00+07:00"), old)
        assert answer.status_code == 409
        [error] = answer.json()["errors"]
        assert error["pointer"] == "#/events/1/occurred_at"
        answer = office.client.post(
            "/api/v1/usage/events?detail=true",
            json={"events": [old, event("2026-11-05T12:00:00+07:00")]},
            headers=office.token(WRITER),
        )
        assert [item["result"] for item in answer.json()["items"]] == ["rejected", "accepted"]
        assert counted(office) == 2
    keep(empty, months=1200)
    with room(create_app, empty) as office:
        assert send(office, old).status_code == 409


def test_events_past_their_retention_are_refused_with_the_first_retained_month(
    empty: Settings,
) -> None:
    settings = empty.model_copy(update={"event_retention_months": 2})
    with room(create_app, settings) as office:
        since = oldest_retained_month(datetime.now(UTC), DEFAULT_ZONE, retention_months=2)
        before = event(f"{add_months(since, -1)}T12:00:00+07:00")
        answer = send(office, before)
        assert answer.status_code == 409
        assert f"{since}" in answer.json()["errors"][0]["detail"]
        assert send(office, event(f"{since}T00:00:00+07:00")).status_code == 200


def test_a_month_remains_while_another_region_retains_it(empty: Settings) -> None:
    other = empty.model_copy(update={"region": "12.71"})
    day = "2025-01-05T12:00:00+07:00"
    for settings in (empty, other):
        with room(create_app, settings) as office:
            send(office, event(day))
    assert keep(empty).partitions == ()
    done = keep(other)
    assert done.partitions == ("event_2025_01",)
    assert fetch(empty, "SELECT region FROM feedback.event_id") == [empty.region]
    assert keep(empty).ids_deleted == 1


def test_a_drop_that_was_cut_short_is_finished_the_next_time(empty: Settings) -> None:
    with room(create_app, empty) as office:
        send(office, event("2025-01-05T12:00:00+07:00"))
    fetch(empty, "UPDATE feedback.event_retention SET oldest_month = '2025-10-01' RETURNING 1")
    fetch(empty, "SELECT feedback.drop_event_partitions()")
    assert fetch(empty, "SELECT count(*) FROM feedback.event_id") == [1]
    assert keep(empty).ids_deleted == 1


def test_the_command_deletes_expired_partitions_and_reports_them(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert empty.database_url is not None
    monkeypatch.setenv("EMALL_DATABASE_URL", empty.database_url.get_secret_value())
    monkeypatch.setenv("EMALL_EVENT_RETENTION_MONTHS", "1")
    with room(create_app, empty) as office:
        send(office, event("2024-02-29T12:00:00+07:00"))
    load_settings.cache_clear()
    try:
        answer = CliRunner().invoke(cli, ["prune"])
    finally:
        load_settings.cache_clear()
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == "event_2024_02\n"
