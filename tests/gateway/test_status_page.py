"""Citizens see how portals are, and the other way while the portal of a service is down."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.catalog.client import ServiceDetail
from services.gateway.link_monitoring.health import LinkHealth
from services.gateway.portal.link_notices import link_notices
from services.platform.local_time import format_time
from services.platform.settings import Settings
from tests.gateway.portals import Portal, always, portal
from tests.gateway.watched import Watched, watched

JAKARTA = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
SINCE = datetime(2026, 3, 2, 2, 40, tzinfo=UTC)


@pytest.fixture
def simbg() -> Iterator[Portal]:
    with portal() as running:
        yield running


@pytest.fixture
def hub(settings: Settings, simbg: Portal) -> Iterator[Watched]:
    """Provide a hub with the Toba pack, whose SIMBG is a mock."""
    with watched(settings, simbg=simbg.address, oss=simbg.address + "/oss") as running:
        yield running


def known(**more: Any) -> LinkHealth:
    return LinkHealth.model_validate(
        dict.fromkeys(LinkHealth.model_fields) | {"state": "broken"} | more
    )


def detail(*channels: dict[str, Any]) -> ServiceDetail:
    """Return a service with these channels."""
    named = {"name": "PBG", "name_en": "PBG"}
    return ServiceDetail.model_validate(
        {
            "service": named
            | {
                "slug": "pbg",
                "agency": "dpmptsp",
                "summary": "",
                "summary_en": "",
                "digital": True,
                "audience": ["citizen"],
                "channels": list(channels),
                "components": {},
                "sources": ["simbg"],
            },
            "agency": named
            | {"slug": "dpmptsp", "short_name": "DPMPTSP", "kind": "dinas", "sources": ["simbg"]},
            "life_events": [],
            "sources": [],
            "completeness": {"published": 0},
            "version": 1,
            "modified_at": NOW,
            "href": "/api/v1/services/pbg",
        }
    )


def sentences(
    health: LinkHealth, *channels: dict[str, Any], language: Any = "id"
) -> list[tuple[str, list[str]]]:
    online = {"kind": "online", "link": "simbg", "note": None, "note_en": None}
    notices = link_notices(
        detail(online, *channels),
        {"simbg": health},
        {"simbg": "SIMBG: persetujuan bangunan gedung"},
        now=NOW,
        zone=JAKARTA,
        language=language,
    )
    return [(notice.sentence, notice.notes) for notice in notices]


INCIDENT = "00000000-0000-7000-8000-000000000000"
COUNTER = {"kind": "counter", "link": None, "note": "Loket 3.", "note_en": "Counter 3."}
PHONE = {"kind": "phone", "link": None, "note": None, "note_en": None}


def test_a_notice_shows_the_beginning_and_the_other_channels() -> None:
    down = known(incident=INCIDENT, incident_since=SINCE)
    assert sentences(down, COUNTER, PHONE) == [
        (
            "SIMBG terganggu sejak 09.40; Anda dapat datang ke DPMPTSP atau menelepon DPMPTSP.",
            ["Loket 3."],
        )
    ]
    assert sentences(down, COUNTER, language="en") == [
        ("SIMBG has trouble since 09:40; you can go to DPMPTSP.", ["Counter 3."])
    ]


def test_a_service_that_is_only_online_leads_to_its_agency() -> None:
    down = known(incident=INCIDENT, incident_since=SINCE)
    assert sentences(down) == [
        ("SIMBG terganggu sejak 09.40; Anda dapat datang ke DPMPTSP.", []),
    ]


def test_maintenance_is_shown_with_its_end() -> None:
    until = NOW + timedelta(days=1)
    [(sentence, _)] = sentences(known(maintenance_until=until))
    assert sentence.startswith("SIMBG dalam pemeliharaan sampai 3 Maret 12.00;")


def test_a_failure_without_an_incident_shows_no_notice() -> None:
    assert sentences(known()) == []
    assert sentences(known(state="caution", reason="forbidden")) == []


def test_a_moment_of_today_is_a_time_and_of_another_day_a_date() -> None:
    evening = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)  # 01.00 of the 2nd in Jakarta
    assert format_time(evening, now=NOW, zone=JAKARTA, language="id") == "01.00"
    day_before = evening - timedelta(hours=2)
    assert format_time(day_before, now=NOW, zone=JAKARTA, language="en") == "1 March 23:00"


@pytest.mark.slow
def test_a_service_page_shows_the_other_channel_while_its_portal_is_down(
    hub: Watched, simbg: Portal
) -> None:
    assert "terganggu" not in hub.client.get("/layanan/pbg").text
    simbg.reply = always(503)
    hub.check("simbg")
    assert "terganggu" not in hub.client.get("/layanan/pbg").text
    hub.check("simbg")
    assert "SIMBG terganggu sejak" in hub.client.get("/layanan/pbg").text
    assert "SIMBG has trouble since" in hub.client.get("/layanan/pbg?lang=en").text
    assert "terganggu" not in hub.client.get("/layanan/nib").text


@pytest.mark.slow
def test_the_status_page_shows_each_portal_and_what_is_done(hub: Watched, simbg: Portal) -> None:
    page = hub.client.get("/status")
    assert page.status_code == 200
    assert "Keadaan portal belum diketahui." in page.text
    hub.check("oss")
    assert "Semua portal yang diperiksa berfungsi." in hub.client.get("/status").text
    simbg.reply = always(503)
    for _ in range(2):
        hub.check("simbg")
    [incident] = hub.items("incidents")
    hub.post(f"incidents/{incident['id']}/updates", {"text": "<b>Ditangani</b>"})
    page = hub.client.get("/status")
    assert "Ada portal yang terganggu." in page.text
    assert "&lt;b&gt;Ditangani&lt;/b&gt;" in page.text
    assert "Some portals have trouble." in hub.client.get("/status?lang=en").text
    simbg.reply = always()
    for _ in range(2):
        hub.check("simbg")
    over = hub.client.get("/status").text
    assert "Gangguan yang sudah selesai" in over
    assert "Gangguan saat ini" not in over


def test_the_status_page_of_a_hub_without_links_comes(empty: Settings) -> None:
    with watched(empty) as hub:
        assert hub.client.get("/status").status_code == 200
