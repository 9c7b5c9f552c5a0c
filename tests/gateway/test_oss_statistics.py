"""Messages of OSS become monthly statistics: each counted once, by rules that are data."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from services.gateway.app import create_app
from services.gateway.connectors.mocks.oss import create_oss_mock
from services.gateway.connectors.oss.config import CountingRule
from services.gateway.connectors.oss.connector import OssConnector
from services.gateway.connectors.oss.statistics import Message, MessageCounter, count_messages
from services.gateway.connectors.simbg.connector import SimbgConnector
from services.gateway.connectors.statistics_client import (
    MonthlyStatistics,
    StatisticsClient,
)
from services.platform.settings import Settings
from tests.gateway.oss_rows import (
    all_message_columns,
    count_uncounted_messages,
    current_figures,
    set_received_at,
    stored_messages,
)
from tests.gateway.parts import close_parts
from tests.gateway.test_announcements import store_connectors
from tests.gateway.test_oss import LICENCE, STATUS, Connected, connected, deliver, message, token
from tests.servers import serving


def rule(**more: Any) -> CountingRule:
    given = {"message": "receiveNIB", "service": "nib", "measure": "completed"} | more
    return CountingRule.model_validate(given)


def test_rules_count_messages_or_their_licences_by_their_codes() -> None:
    messages = [
        Message("receiveNIB", {"change": "no", "licences": ["A", "B"]}),
        Message("receiveNIB", {"change": "yes", "licences": ["C"]}),
        Message("receiveFileDS", {"change": "no"}),
    ]
    rules = [
        rule(where={"change": ["no"]}),
        rule(each="licence", service="izin", measure="submitted"),
        rule(where={"status_nib": ["06"]}, measure="rejected"),
    ]
    assert count_messages(messages, rules, zeros=False) == {
        "nib": {"completed": 1},
        "izin": {"submitted": 3},
    }
    assert count_messages(messages, rules, zeros=True)["nib"] == {"completed": 1, "rejected": 0}


@pytest.fixture
def hub(settings: Settings) -> Iterator[Connected]:
    with serving(create_oss_mock(), grace=0) as oss, connected(settings, oss) as running:
        yield running


def count(hub: Connected) -> None:
    answer = hub.client.post("/api/v1/connectors/oss/poll", headers=hub.auth("diskominfo", "admin"))
    assert answer.status_code == 200, answer.text


def business(number: int, **more: Any) -> tuple[dict[str, Any], dict[str, str]]:
    nib = f"{number:013}"
    return message("receiveNIB", nib=nib, **more), token(nib)


def send(hub: Connected, number: int, **more: Any) -> None:
    body, headers = business(number, **more)
    assert deliver(hub, "receiveNIB", body, headers=headers)["kode"] == "200"


def test_messages_become_figures_of_the_agency_once(hub: Connected) -> None:
    send(hub, 1, data_checklist=[{"kd_izin": "01"}, {"kd_izin": "02"}])
    send(hub, 2)
    send(hub, 2)
    send(hub, 3, tgl_perubahan_nib="2026-01-01")
    for status in ("41", "42", "50", "90"):
        sent = hub.post("license-statuses", STATUS | {"kd_status": status})
        assert sent.status_code == 200
    assert hub.post("licenses", LICENCE).status_code == 200
    expected = [
        ("izin-usaha-berbasis-risiko", "completed", 1, 1),
        ("izin-usaha-berbasis-risiko", "rejected", 1, 1),
        ("izin-usaha-berbasis-risiko", "returned", 1, 1),
        ("izin-usaha-berbasis-risiko", "submitted", 2, 1),
        ("nib", "completed", 2, 1),
    ]
    count(hub)
    assert current_figures(hub.settings, "dpmptsp") == expected
    count(hub)
    assert current_figures(hub.settings, "dpmptsp") == expected
    send(hub, 4)
    count(hub)
    assert current_figures(hub.settings, "dpmptsp")[-1] == ("nib", "completed", 3, 2)


@pytest.mark.slow
def test_a_new_version_of_the_rules_counts_all_again_and_takes_back_what_no_longer_counts(
    hub: Connected,
) -> None:
    send(hub, 1)
    count(hub)
    store_connectors(
        hub.settings,
        oss={
            "version": "two",
            "agency": "dpmptsp",
            "rules": [
                {"message": "receiveNIB", "service": "nib", "measure": "submitted"},
                {
                    "message": "receiveNIB",
                    "where": {"status_nib": ["01"]},
                    "service": "nib",
                    "measure": "completed",
                },
            ],
            "sources": ["website-oss"],
        },
    )
    count(hub)
    assert current_figures(hub.settings, "dpmptsp") == [
        ("nib", "completed", 0, 2),
        ("nib", "submitted", 1, 1),
    ]


@pytest.mark.slow
def test_stopped_clocks_are_counted_with_their_days_and_small_counts_are_null(
    hub: Connected,
) -> None:
    for number in range(6):
        for status in ("41", "42") if number else ("43",):
            fields = STATUS | {"kd_status": status, "id_izin": f"I-{number}"}
            assert hub.post("license-statuses", fields).status_code == 200
    # Messages of one licence share a digest that does not reveal the licence.
    digests = [json.loads(facts)["licence"] for _, facts in stored_messages(hub.settings)]
    assert len(set(digests)) == 6
    assert digests[1] == digests[2]
    assert "I-1" not in str(all_message_columns(hub.settings))
    set_received_at(hub.settings, ["41", "43"], datetime(2026, 3, 10, tzinfo=UTC))
    set_received_at(hub.settings, ["42"], datetime(2026, 3, 11, 12, tzinfo=UTC))
    [month] = hub.client.get("/api/v1/oss/clock?year=2026").json()["items"]
    assert month == {
        "month": "2026-03",
        "stopped": 6,
        "restarted": 5,
        "approved": None,
        "rejected": None,
        "pauses": 5,
        "days_stopped": 7.5,
    }
    assert hub.client.get("/api/v1/oss/statistics?year=2026").json()["items"] == []


class CrashingStatisticsClient(StatisticsClient):
    """Submits figures, and fails before the caller learns of it."""

    async def submit(self, statistics: Sequence[MonthlyStatistics], **more: Any) -> str:
        await super().submit(statistics, **more)
        raise ConnectionResetError("crash")


@pytest.mark.slow
def test_a_crash_after_the_submission_and_before_it_is_recorded_counts_nothing_twice(
    hub: Connected,
) -> None:
    for number in (1, 2, 3):
        send(hub, number)

    async def crash() -> None:
        app = create_app(hub.settings)
        simbg = app.state.connectors.get(SimbgConnector)
        crashing = CrashingStatisticsClient(simbg.feedback, simbg.auth_for)
        async with app.router.lifespan_context(app):
            with pytest.raises(ConnectionResetError):
                await MessageCounter(
                    app.state.database, hub.settings.region, crashing, app.state.local_time
                ).count()

    asyncio.run(crash())
    assert count_uncounted_messages(hub.settings) == 3
    count(hub)
    assert count_uncounted_messages(hub.settings) == 0
    assert current_figures(hub.settings, "dpmptsp") == [("nib", "completed", 3, 1)]


@pytest.mark.slow
def test_four_replicas_count_at_once_and_each_message_counts_once(hub: Connected) -> None:
    for number in range(8):
        send(hub, number)

    async def all_at_once() -> list[int]:
        apps = [create_app(hub.settings) for _ in range(4)]
        counted = await asyncio.gather(
            *(app.state.connectors.get(OssConnector).counter.count() for app in apps)
        )
        for app in apps:
            await close_parts(app)
        return counted

    asyncio.run(all_at_once())
    count(hub)
    assert current_figures(hub.settings, "dpmptsp") == [("nib", "completed", 8, 1)]
