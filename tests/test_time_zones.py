"""Days and months begin at the region's own midnight, in each of the three zones of Indonesia."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.testclient import TestClient

from services.feedback.app import create_app as create_feedback
from services.feedback.comments.schemas import CommentFiled, NewComment
from services.feedback.comments.submit import submit_comment
from services.feedback.events.partitions import apply_retention, partition_of
from services.feedback.form_checks import FormTokens
from services.feedback.statistics.obligations import deadline, last_closed_months
from services.feedback.statistics.revisions import figures_of
from services.feedback.statistics.schemas import Statistic
from services.feedback.surveys.invitations import InvitationTokens
from services.feedback.surveys.responses import Submitter, store_response
from services.feedback.surveys.schemas import SurveyResponse
from services.gateway.api_keys.metering import UsageMeter
from services.gateway.app import create_app as create_gateway
from services.gateway.link_monitoring.retention import prune_checks
from services.gateway.link_monitoring.status import LinkStatus, covered_seconds
from services.platform.database import Connection, Database
from services.platform.identity import ANONYMOUS, Caller
from services.platform.local_time import LocalTime, month_of, start_of_day
from services.platform.packs import Pack
from services.platform.problems import Invalid
from services.platform.regency import store_regency
from services.platform.settings import Service, Settings
from services.platform.working_days import after_working_days
from tests.conftest import Hub, Room, agency_caller, new_key, room
from tests.feedback.complaints import comment, keys_of
from tests.feedback.questionnaires import load, survey
from tests.feedback.sending import event, send_events, sums
from tests.gateway.link_rows import store_checks
from tests.gateway.watched import store_links

JAKARTA, MAKASSAR, JAYAPURA = (
    ZoneInfo(f"Asia/{city}") for city in ("Jakarta", "Makassar", "Jayapura")
)
ZONES = (JAKARTA, MAKASSAR, JAYAPURA)
OFFSETS = {JAKARTA: "+07:00", MAKASSAR: "+08:00", JAYAPURA: "+09:00"}
LAST, FIRST = date(2024, 9, 30), date(2024, 10, 1)
SECOND = timedelta(seconds=1)
BETWEEN = datetime(2024, 9, 30, 15, 30, tzinfo=UTC)
"""October has begun in Jayapura, and neither in Makassar nor in Jakarta."""


def set_zone(settings: Settings, zone: ZoneInfo) -> None:
    """Store the region's pack with this zone, as `emall load` does."""
    pack = Pack.model_validate(
        {
            "region": settings.region,
            "name": "Kabupaten Uji",
            "name_en": "Test Regency",
            "province": "Uji",
            "province_code": "12",
            "timezone": zone.key,
        }
    )

    async def work() -> None:
        for service in (Service.gateway, Service.feedback):
            database = Database(settings, service)
            async with database.write_session() as session:
                await store_regency(session, service, settings.region, pack)
            await database.close()

    asyncio.run(work())


@dataclass
class Region:
    """A database whose region has a zone, with the last second of September and the next one."""

    settings: Settings
    zone: ZoneInfo

    @property
    def before(self) -> datetime:
        return self.midnight - SECOND

    @property
    def midnight(self) -> datetime:
        return start_of_day(FIRST, self.zone).astimezone(UTC)


@pytest.fixture(params=ZONES, ids=lambda zone: zone.key)
def region(empty: Settings, request: pytest.FixtureRequest) -> Region:
    """Provide a region in each of the zones."""
    set_zone(empty, request.param)
    return Region(empty, request.param)


@pytest.fixture
def office(region: Region) -> Iterator[Room]:
    """Provide the feedback service of the region."""
    with room(create_feedback, region.settings) as started:
        yield started


def at(moment: datetime) -> dict[str, Any]:
    return event(id=str(uuid4()), occurred_at=moment.isoformat())


@pytest.mark.slow
def test_an_event_counts_in_the_local_day_and_month(region: Region, office: Room) -> None:
    answer = send_events(office, "dukcapil", at(region.before), at(region.midnight))
    assert answer.json() == {"accepted": 2, "repeated": 0}
    months = sums(office, "month")
    assert months == {("form_end", "2024-09"): 1, ("form_end", "2024-10"): 1}
    days = sums(office, "day", **{"from": "2024-09-01"})
    assert days == {("form_end", str(LAST)): 1, ("form_end", str(FIRST)): 1}
    hours = sums(office, "hour", **{"from": str(LAST), "to": str(LAST)})
    assert hours == {("form_end", f"2024-09-30T23:00:00{OFFSETS[region.zone]}"): 1}
    october = sums(office, "month", **{"from": str(FIRST)})
    assert october == {("form_end", "2024-10"): 1}


def test_statistics_of_a_month_are_accepted_from_its_local_beginning(region: Region) -> None:
    october = Statistic.model_validate(
        {
            "agency": "dukcapil",
            "service": "ktp",
            "channel": "counter",
            "period": "2024-10",
            "counters": {"submitted": 1},
        }
    )
    caller = agency_caller("dukcapil", "usage:write")
    with pytest.raises(Invalid):
        figures_of([october], caller, now=region.before, zone=region.zone)
    assert figures_of([october], caller, now=region.midnight, zone=region.zone)


def test_a_report_is_due_until_local_midnight_after_the_due_day(region: Region) -> None:
    due = deadline(date(2024, 9, 1), due_day=10, zone=region.zone)
    assert due == region.midnight + timedelta(days=10)
    closed = last_closed_months(region.before, region.zone, count=1)
    assert closed == (date(2024, 8, 1), date(2024, 8, 1))
    closed = last_closed_months(region.midnight, region.zone, count=1)
    assert closed == (date(2024, 9, 1), date(2024, 9, 1))


@pytest.mark.slow
def test_a_survey_response_belongs_to_the_local_day(region: Region, office: Room) -> None:
    load(office, survey())
    key = Ed25519PrivateKey.generate()
    submitter = Submitter(
        ANONYMOUS, "198.51.100.1", FormTokens(key), InvitationTokens(key), max_per_service=3
    )

    def answered_on(now: datetime) -> date:
        response = SurveyResponse.model_validate({"answers": {"Q": "yes"}})
        stored = office.store(
            lambda session: store_response(
                session,
                region.settings.region,
                "own",
                response,
                submitter=submitter,
                now=now,
                zone=region.zone,
            )
        )
        return stored.answered_on

    assert (answered_on(region.before), answered_on(region.midnight)) == (LAST, FIRST)


@pytest.mark.slow
def test_the_time_to_answer_a_comment_starts_on_the_local_day(region: Region, office: Room) -> None:
    def file_at(now: datetime) -> CommentFiled:
        receipt, _ = office.store(
            lambda session: submit_comment(
                session,
                keys_of(region.settings),
                region.settings.region,
                NewComment.model_validate(comment(region.settings)),
                caller=ANONYMOUS,
                sender=("198.51.100.1", "test"),
                source="api",
                key=None,
                now=now,
                zone=region.zone,
            )
        )
        return receipt

    for now, day in ((region.before, LAST), (region.midnight, FIRST)):
        level = file_at(now).service_level
        assert level.answer_by == after_working_days(day, level.working_days)


def test_the_hours_of_a_link_are_split_at_local_midnight(region: Region) -> None:
    checked = LinkStatus("ok", None, "", region.before, checked_at=region.midnight - 60 * SECOND)
    covered = covered_seconds(
        checked,
        now=region.midnight + 120 * SECOND,
        zone=region.zone,
        max_coverage=timedelta(hours=1),
    )
    assert covered == [(LAST, 60), (FIRST, 120)]


@pytest.mark.slow
def test_checks_and_requests_count_in_the_local_day_and_month(region: Region) -> None:
    settings = region.settings
    key = new_key(settings, "dukcapil", "usage:write").split("_")[1]
    caller = Caller(subject=key, agency="dukcapil", scopes=frozenset({"usage:write"}))
    store_links(settings, a="http://a.example/")
    for moment in (region.before, region.midnight):
        store_checks(settings, "a", moment - timedelta(minutes=1), 1)  # a minute after its begin

    async def count() -> int:
        database = Database(settings, Service.gateway)
        local_time = LocalTime(database, Service.gateway, settings.region)
        await local_time.refresh()
        meter = UsageMeter(database, settings.region, local_time)
        for moment in (region.before, region.midnight):
            meter.count(caller, "services", 200, now=moment.timestamp())
        meter.usage_this_month(caller.subject, now=region.midnight)
        await meter.flush()
        await database.close()
        return meter.usage_this_month(caller.subject, now=region.midnight)

    assert asyncio.run(count()) == 1
    with TestClient(create_gateway(settings)) as client:
        admin = Hub(client, settings).auth("diskominfo", "admin")

        def periods(path: str) -> list[tuple[str, int]]:
            answer = client.get(f"/api/v1/{path}&from={LAST}&to={FIRST}", headers=admin)
            assert answer.status_code == 200, answer.text
            items = answer.json()["items"]
            return [(item["period"], item.get("requests", item.get("checks"))) for item in items]

        days = [(str(LAST), 1), (str(FIRST), 1)]
        assert periods("links/a/uptime?by=day") == days
        assert periods("links/a/uptime?by=month") == [("2024-09-01", 1), ("2024-10-01", 1)]
        beginnings = [f"{day}T00:00:00{OFFSETS[region.zone]}" for day in ("2024-09-01", FIRST)]
        consumption = periods("consumption?by=month&agency=dukcapil")
        assert consumption == [(beginning, 1) for beginning in beginnings]
        asyncio.run(prune(settings, region.zone))
        assert periods("links/a/uptime?by=day") == days


async def prune(settings: Settings, zone: ZoneInfo) -> None:
    database = Database(settings, Service.gateway)
    async with database.write_session() as session:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        assert await prune_checks(session, settings.region, now=now, zone=zone, months=2) == 2
    await database.close()


def test_a_moment_lies_in_different_months_in_jakarta_and_jayapura() -> None:
    assert [month_of(BETWEEN, zone).month for zone in ZONES] == [9, 9, 10]
    assert partition_of(BETWEEN) == FIRST


@pytest.mark.slow
def test_regions_of_different_zones_share_a_database_and_retain_their_own_months(
    empty: Settings,
) -> None:
    """The partition of October has the last two hours of Jakarta's September, deleted by row."""
    jakarta, jayapura = empty, empty.model_copy(update={"region": "91.03"})
    for settings, zone, month in (
        (jakarta, JAKARTA, "2024-09"),
        (jayapura, JAYAPURA, "2024-10"),
    ):
        set_zone(settings, zone)
        with room(create_feedback, settings) as office:
            early = at(BETWEEN - timedelta(days=2))
            assert send_events(office, "dukcapil", early, at(BETWEEN)).status_code == 200
            assert sums(office, "month")["form_end", month] in {1, 2}

    async def retain(connection: Connection) -> tuple[str, ...]:
        dropped: tuple[str, ...] = ()
        for settings, zone in ((jakarta, JAKARTA), (jayapura, JAYAPURA)):
            result = await apply_retention(
                connection,
                settings.region,
                zone,
                now=datetime(2025, 11, 25, tzinfo=UTC),
                retention_months=13,
            )
            assert result is not None
            dropped += result.partitions
        # Jakarta's rows go once no region retains September, in the next run.
        await apply_retention(
            connection,
            jakarta.region,
            JAKARTA,
            now=datetime(2025, 11, 25, tzinfo=UTC),
            retention_months=13,
        )
        return dropped

    assert asyncio.run(on_connection(empty, retain)) == ("event_2024_09",)
    remaining = asyncio.run(on_connection(empty, regions_with_events))
    assert remaining == (jayapura.region,)


async def on_connection(
    settings: Settings, work: Callable[[Connection], Awaitable[tuple[str, ...]]]
) -> tuple[str, ...]:
    connection = await Database(settings, Service.feedback).connect(purpose="test")
    try:
        return await work(connection)
    finally:
        await connection.close()


async def regions_with_events(connection: Connection) -> tuple[str, ...]:
    rows = await connection.fetch("SELECT region FROM feedback.event ORDER BY 1")
    return tuple(row[0] for row in rows)


@pytest.mark.slow
def test_a_running_service_takes_up_the_zone_of_a_loaded_pack(empty: Settings) -> None:
    with room(create_feedback, empty) as office:
        send_events(office, "dukcapil", at(BETWEEN))
        assert sums(office, "month") == {("form_end", "2024-09"): 1}
        set_zone(empty, JAYAPURA)
        assert office.client.portal is not None
        office.client.portal.call(office.app.state.local_time.refresh)
        send_events(office, "dukcapil", at(BETWEEN))
        # The event that was counted before stays in the month in which it was counted.
        assert sums(office, "month") == {("form_end", "2024-09"): 1, ("form_end", "2024-10"): 1}
