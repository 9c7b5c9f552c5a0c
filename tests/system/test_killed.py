"""A hub that is killed in the middle of a batch: the batch is whole or absent, and then whole."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.platform.identity import TokenSigner, load_private_key
from services.platform.scopes import Scope
from services.platform.settings import ROOT, Settings
from tests.conftest import agency_caller
from tests.rows import rows
from tests.servers import LOOPBACK, free_port
from tests.waiting import until

pytestmark = pytest.mark.slow

KILLS = 3
EVENTS = 4_000
MONTHS = [f"{year}-{month:02}" for year in range(2015, 2026) for month in range(1, 13)]
CHANNELS = ("online", "counter", "phone", "visit", "email")
SERVICES = ("ktp-el", "kartu-keluarga", "akta-kelahiran", "akta-kematian", "kia")
SCOPE: Scope = "usage:write"
Receipt = Future[dict[str, Any] | None]


@contextmanager
def serving(settings: Settings) -> Generator[tuple[subprocess.Popen[bytes], str]]:
    """Run the service that accepts batches in a process, and kill it when the block ends."""
    assert settings.database_url is not None
    port = free_port()
    own = {
        "EMALL_DATABASE_URL": settings.database_url.get_secret_value(),
        "EMALL_EVENT_RETENTION_MONTHS": "1200",
        "EMALL_DATA_DIR": str(settings.data_dir),
        "EMALL_LOG_LEVEL": "ERROR",
        "PYTHONPATH": str(ROOT),
    }
    inherited = {name: value for name, value in os.environ.items() if name[:6] != "EMALL_"}
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", "serve", "feedback", "--port", str(port)],
        cwd=ROOT,
        env=inherited | own,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: process.poll() is None and is_ready(address), "the hub did not start")
        yield process, address
    finally:
        process.kill()
        process.wait(10)


def is_ready(address: str) -> bool:
    try:
        return LOOPBACK.get(f"{address}/health/ready", timeout=5).is_success
    except httpx.HTTPError:
        return False


def fetch(settings: Settings, query: str, *values: Any) -> int:
    [(number,)] = rows(settings, query, *values)
    return number


def sessions_of_the_dead(settings: Settings) -> int:
    """Sessions of PostgreSQL that still work for a server that is gone."""
    return fetch(
        settings,
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name LIKE 'emall %'",
    )


def events(number: int) -> dict[str, Any]:
    """Return the batch of this number: each has other events, all of one day."""
    return {
        "events": [
            {
                "id": str(UUID(int=(number << 64) + n, version=4)),
                "kind": "form_end",
                "source": "agency",
                "service": SERVICES[n % len(SERVICES)],
                "occurred_at": f"2024-03-{number + 1:02}T12:00:00+07:00",
            }
            for n in range(EVENTS)
        ]
    }


def statistics(number: int) -> dict[str, Any]:
    """Return the batch of this number: the same counters, with other figures in each batch."""
    return {
        "statistics": [
            {
                "agency": "dukcapil",
                "service": "ktp-el",
                "channel": channel,
                "period": month,
                "counters": {"submitted": number + 1, "completed": number + 1},
            }
            for month in MONTHS
            for channel in CHANNELS
        ]
    }


FIGURES = 2 * len(MONTHS) * len(CHANNELS)


def events_stored(settings: Settings, number: int) -> int:
    """Events of a batch; the hourly counts say the same."""
    day = f"2024-03-{number + 1:02}"
    stored = fetch(
        settings,
        "SELECT count(*) FROM feedback.event "
        "WHERE (occurred_at AT TIME ZONE 'Asia/Jakarta')::date::text = $1",
        day,
    )
    counted = fetch(
        settings,
        "SELECT coalesce(sum(events), 0)::bigint FROM feedback.hourly_usage "
        "WHERE (hour AT TIME ZONE 'Asia/Jakarta')::date::text = $1",
        day,
    )
    assert stored == counted
    return stored


def figures_stored(settings: Settings, number: int) -> int:
    """Figures of a batch; never does more than one figure of a counter stand."""
    standing = fetch(settings, "SELECT count(*) FROM feedback.statistic WHERE is_current")
    assert standing in (0, FIGURES)
    return fetch(settings, "SELECT count(*) FROM feedback.statistic WHERE value = $1", number + 1)


class Sender:
    """An agency that sends the batches of a number, of events and of statistics at once."""

    def __init__(self, settings: Settings, address: str) -> None:
        self.address = f"{address}/api/v1/usage"
        signer = TokenSigner(load_private_key(settings.private_key_file), settings.region)
        token = signer.sign(agency_caller("dukcapil", SCOPE))
        self.headers = {"Authorization": f"Bearer {token}"}

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Return the receipt, or None if the service was killed before it responded."""
        try:
            answer = LOOPBACK.post(self.address + path, json=body, headers=self.headers, timeout=30)
        except httpx.HTTPError:
            return None
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, number: int, pool: ThreadPoolExecutor) -> tuple[Receipt, Receipt]:
        return (
            pool.submit(self.post, "/events", events(number)),
            pool.submit(self.post, "/statistics", statistics(number)),
        )


def test_batches_during_which_the_hub_is_killed_are_whole_or_absent_and_once_when_sent_again(
    settings: Settings,
) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    lost: tuple[int, int] | None = None
    took = 0.0
    with ThreadPoolExecutor(2) as pool:
        for number in range(KILLS + 1):
            with serving(settings) as (process, address):
                sender = Sender(settings, address)
                if lost is not None:
                    check_repeated(sender.send(number - 1, pool), before=lost)
                    assert events_stored(settings, number - 1) == EVENTS, seed
                    assert figures_stored(settings, number - 1) == FIGURES, seed
                else:
                    began = time.monotonic()
                    for receipt in sender.send(KILLS, pool):
                        assert receipt.result() is not None
                    took = time.monotonic() - began
                if number == KILLS:
                    break
                receipts = sender.send(number, pool)
                time.sleep(chance.uniform(0, took))
                process.send_signal(signal.SIGKILL)
                answered = [receipt.result() is not None for receipt in receipts]
            until(lambda: sessions_of_the_dead(settings) == 0, "a session outlived its server")
            lost = events_stored(settings, number), figures_stored(settings, number)
            assert lost[0] in ((EVENTS,) if answered[0] else (0, EVENTS)), seed
            assert lost[1] in ((FIGURES,) if answered[1] else (0, FIGURES)), seed


def check_repeated(receipts: tuple[Receipt, Receipt], *, before: tuple[int, int]) -> None:
    """Check that the receipts of repeated batches report what was stored before."""
    event_receipt, statistic_receipt = (receipt.result() for receipt in receipts)
    assert event_receipt == {"accepted": EVENTS - before[0], "repeated": before[0]}
    assert statistic_receipt == {
        "added": 0,
        "revised": FIGURES - before[1],
        "unchanged": before[1],
        "flags": [],
    }
