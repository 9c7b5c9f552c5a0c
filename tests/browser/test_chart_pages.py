"""Charts of citizens' pages with what agencies, citizens and checks really give, and long names."""

from collections.abc import Mapping
from datetime import datetime

import httpx
import pytest

from services.platform.scopes import Scope
from services.platform.settings import Settings
from tests.browser.conftest import OpenTab
from tests.browser.overflow import overflow
from tests.browser.test_dashboard_pictures import MISPLACED
from tests.conftest import DEFAULT_ZONE, new_key
from tests.gateway.chart_records import (
    Auth,
    lengthen_names,
    oblige,
    store_answers,
    store_days,
    store_events,
    store_statistics,
)

pytestmark = pytest.mark.browser

TODAY = datetime.now(DEFAULT_ZONE).date()
YEAR = TODAY.year
STATISTICS = 2023
PAGES = (
    f"/dasbor/{STATISTICS}/penggunaan",
    f"/dasbor/{YEAR}/penggunaan",
    f"/dasbor/{STATISTICS}/bagan/kecamatan",
    f"/dasbor/pelaporan?tahun={STATISTICS}",
    f"/dasbor/{STATISTICS}/bagan/pelaporan?lang=en",
    "/status",
    "/status/bagan/simbg?lang=en",
    f"/survei/skm/hasil?period={YEAR}",
    f"/survei/awareness/hasil?period={YEAR}",
    f"/survei/skm/hasil/bagan/putaran?period={YEAR}&lang=en",
)


def auth_of(settings: Settings) -> Auth:
    """Return what issues keys and returns them as headers."""

    def auth(agency: str, scope: Scope) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {new_key(settings, agency, scope)}"}

    return auth


@pytest.fixture(scope="module")
def records(site_settings: Settings, site: str) -> None:
    """Store what the charts are drawn of, before the browser starts."""
    auth = auth_of(site_settings)
    oblige(site_settings, STATISTICS)
    with httpx.Client(base_url=site, trust_env=False) as client:
        store_statistics(client, auth, STATISTICS)
        store_events(client, auth, STATISTICS)
        store_answers(client, site_settings, auth, TODAY)
    store_days(site_settings, "simbg", TODAY)
    lengthen_names(site_settings)


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (360, "dark"), (1280, "light")])
def test_no_words_of_a_chart_lie_on_others_or_leave_it(
    records: None, open_tab: OpenTab, width: int, scheme: str
) -> None:
    with open_tab(width=width, color_scheme=scheme) as tab:
        for path in PAGES:
            tab.open(path)
            assert tab.page.locator("svg.picture text").count() > 0, path
            assert tab.page.evaluate(MISPLACED) == [], path
            assert overflow(tab.page) == [], path
        assert tab.console_errors == []
