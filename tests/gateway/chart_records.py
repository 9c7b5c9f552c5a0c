"""What charts are drawn of, by its public interfaces: reports, use, answers and checks."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from itertools import count
from typing import Any

import httpx

from services.platform.scopes import Scope
from services.platform.service import API
from services.platform.settings import Settings
from tests.conftest import form_bundles
from tests.rows import oblige_since, rows

Auth = Callable[[str, Scope], Mapping[str, str]]

SKM = tuple(f"U{n}" for n in range(1, 10))
LONG_NAME = "Dinas Pengendalian Penduduk, Keluarga Berencana, Pemberdayaan Perempuan " * 2
EVENT_NUMBERS = count(1)


def store_statistics(client: httpx.Client, auth: Auth, year: int) -> None:
    """Let agencies owe reports since the year, and the civil registry report some months late."""
    statistics = [
        {
            "agency": "dukcapil",
            "service": service,
            "channel": "counter",
            "period": f"{year}-{month:02}",
            "counters": {"submitted": submitted},
        }
        for service, month, submitted in (
            ("ktp-el", 3, 1412),
            ("ktp-el", 4, 900),
            ("kartu-keluarga", 4, 300),
        )
    ]
    _post(client, "usage/statistics", {"statistics": statistics}, auth("dukcapil", "usage:write"))


def store_events(client: httpx.Client, auth: Auth, year: int) -> None:
    """Store 12 visits from Balige, 7 from Laguboti and 3 from nobody knows where."""
    events = [
        {
            "id": f"00000000-0000-4000-8000-{next(EVENT_NUMBERS):012}",
            "kind": kind,
            "source": "agency",
            "occurred_at": f"{year}-05-05T12:00:00+07:00",
            "service": "ktp-el",
            "district": district,
        }
        for district, kind, times in (
            ("12.12.01", "form_end", 12),
            ("12.12.02", "page_view", 7),
            (None, "form_end", 3),
        )
        for _ in range(times)
    ]
    _post(client, "usage/events", {"events": events}, auth("dukcapil", "usage:write"))


def store_days(settings: Settings, slug: str, today: date) -> None:
    """Store ten days of a portal until yesterday: the fourth and ninth with an hour's failure."""
    for number in range(10):
        down = 3600 if number in (3, 8) else 0
        rows(
            settings,
            "INSERT INTO gateway.link_uptime_day (region, slug, day, ok_seconds, caution_seconds, "
            "broken_seconds, maintenance_seconds) VALUES ($1, $2, $3, $4, 0, $5, 0)",
            settings.region,
            slug,
            today - timedelta(days=10 - number),
            86400 - down,
            down,
        )


def store_answers(client: httpx.Client, settings: Settings, auth: Auth, today: date) -> None:
    """Hold two rounds of the satisfaction survey with drawn samples, and one of awareness."""
    _hold_round(client, settings, auth, "skm", code="pertama", today=today, answers=_levels(2))
    rows(
        settings,
        "UPDATE feedback.survey_round SET opens_on = $1, closes_on = $1",
        date(today.year, 1, 1),
    )
    _hold_round(client, settings, auth, "skm", code="kedua", today=today, answers=_levels(3))
    used = [
        {
            "knows_emall": "yes" if number < 8 else "no",
            "knows_portals": ["website"],
            "used": "yes" if number < 6 else "no",
        }
        for number in range(12)
    ]
    _hold_round(client, settings, auth, "awareness", code="kenal", today=today, answers=used)


def lengthen_names(settings: Settings) -> None:
    """Give agencies and services of the catalogue names that no drawing has room for in a line."""
    for table, field in (("agency", "short_name"), ("service", "name")):
        rows(
            settings,
            f"UPDATE catalog.{table} SET content = "
            f"jsonb_set(content, '{{{field}}}', to_jsonb($1 || slug))",
            LONG_NAME,
        )


def oblige(settings: Settings, year: int) -> None:
    """Let every agency owe reports since the beginning of a year."""
    oblige_since(settings, date(year, 1, 1))


def _levels(lowest: int) -> list[dict[str, Any]]:
    return [
        {code: min(4, lowest + (number % (place + 2) == 0)) for place, code in enumerate(SKM)}
        for number in range(12)
    ]


def _hold_round(
    client: httpx.Client,
    settings: Settings,
    auth: Auth,
    round_of: str,
    *,
    code: str,
    today: date,
    answers: list[dict[str, Any]],
) -> None:
    days = {"opens_on": str(today), "closes_on": str(today)}
    body = days | {"sample": "drawn", "asked": 20, "population": 2000}
    path = f"{API}/surveys/{round_of}/rounds/{code}"
    sent = client.put(path, json=body, headers=auth("diskominfo", "metrics:draft"))
    assert sent.status_code == 201, sent.text
    collector = auth("dukcapil", "surveys:collect")
    for given in answers:
        response = {"mode": "enumerator", "service": "ktp-el", "answers": given}
        _post(client, f"surveys/{round_of}/responses", response, collector)
    form_bundles(settings)


def _post(client: httpx.Client, path: str, body: Any, headers: Mapping[str, str]) -> None:
    sent = client.post(f"{API}/{path}", json=body, headers=dict(headers))
    assert sent.is_success, sent.text
