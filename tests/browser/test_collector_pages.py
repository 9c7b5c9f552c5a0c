"""The collector's pages on a small phone: nothing that axe finds, nothing wider than the screen."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from services.collector.app import create_app
from services.collector.collecting import Collector
from services.collector.hub_list import HubList, ListedHub
from services.collector.migration import migrate_collector
from services.gateway.outbound.client import TimeoutPolicy
from services.platform.database import Database
from services.platform.settings import Standalone
from tests.browser.conftest import OpenTab
from tests.browser.test_accessibility import faults
from tests.browser.test_text_size import broken_with_large_text, small_targets
from tests.collector.mock_hubs import MockHub, bundle_of
from tests.collector.test_collector import signer
from tests.conftest import Server
from tests.servers import free_port, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LINK = {
    "slug": "oss",
    "title": "OSS, perizinan berusaha",
    "title_en": "OSS, business licences",
    "url": "https://oss.go.id",
    "national": True,
    "health": {"state": "ok"},
}
SERVICE = {
    "slug": "ktp-el",
    "name": "KTP elektronik",
    "name_en": "Electronic identity card",
    "summary": "Kartu tanda penduduk elektronik.",
    "summary_en": "An electronic identity card.",
    "agency": {"name": "Dinas Kependudukan"},
    "status": "active",
    "digital": False,
    "channels": ["counter"],
    "modified_at": "2026-11-01T00:00:00Z",
}
ANSWERS = {
    "usage/reporting": {"period": 2026, "expected": 10, "on_time": 7, "late": 1},
    "links": {"items": [LINK]},
    "services": {"items": [SERVICE], "next": None},
}
PAGES = (
    "/nasional",
    "/nasional?lang=en",
    "/nasional/kabupaten",
    "/nasional/kabupaten/12.02",
    "/nasional/peringkat",
    "/nasional/layanan?q=ktp",
    "/nasional/kabupaten/99.99",
)


@pytest.fixture(scope="module")
def site(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a collector that knows a good hub, one with a changed key, a silent one and a file."""
    folder = tmp_path_factory.mktemp("collector")
    (folder / "2024.zip").write_bytes(bundle_of("12.04", 0.4, signer=signer(4), number=4))
    good, changed = (
        MockHub(
            code,
            signer(number).public.fingerprint,
            {UUID(int=number): bundle_of(code, 0.5, signer=signer(number), number=number)},
            ANSWERS,
            broken_links=frozenset({"oss"}),
        )
        for number, code in enumerate(("12.01", "12.02"), 1)
    )
    with (
        server.database_from("template1") as name,
        serving(good.app()) as first,
        serving(changed.app()) as second,
    ):
        settings = server.settings(name, region="12", ssrf_allowed_hosts=frozenset({"127.0.0.1"}))
        away = f"http://127.0.0.1:{free_port()}"
        hubs = HubList(
            name="Provinsi Uji",
            name_en="Test Province",
            hubs=[
                ListedHub(
                    code=code,
                    name=f"Kabupaten Uji {code}",
                    address=address,
                    keys=[signer(key).public.fingerprint],
                    folder="." if address is None else None,
                )
                for code, address, key in (
                    ("12.01", first, 1),
                    ("12.02", second, 9),
                    ("12.03", away, 3),
                    ("12.04", None, 4),
                )
            ],
        )

        async def collect() -> None:
            await migrate_collector(settings)
            database = Database(settings, Standalone.collector)
            quick = TimeoutPolicy(total=20, connect=5, attempts=1)
            await Collector(database, settings, hubs, folder, timeouts=quick).collect()
            await database.close()

        asyncio.run(collect())
        with serving(create_app(settings, hubs, Path(folder), every=None)) as address:
            yield address


def test_axe_finds_nothing_on_the_pages_of_the_collector(open_tab: OpenTab) -> None:
    found: dict[str, list[str]] = {}
    with open_tab(width=320, bypass_csp=True) as tab:
        for path in PAGES:
            tab.open(path)
            assert tab.page.locator("h1").count() == 1
            if these := faults(tab.page):
                found[path] = these
        tab.open("/nasional")
        text = tab.page.inner_text("main")
    assert found == {}
    assert "Kunci penanda tangan bukan yang terdaftar." in text
    assert signer(2).public.fingerprint in text
    assert "Kabupaten Uji 12.03, sejak" in text
    assert "2 dari 2 kabupaten/kota" in text


def test_the_pages_of_the_collector_hold_with_large_text_and_for_fingers(open_tab: OpenTab) -> None:
    assert broken_with_large_text(open_tab, PAGES) == {}
    assert small_targets(open_tab, PAGES) == {}
