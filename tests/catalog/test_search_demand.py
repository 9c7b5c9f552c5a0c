"""What people ask for and no service gives."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.catalog.search.demand import NEW_WORDS_A_DAY, SearchDemand
from services.catalog.search.demand_limits import LEAST_DAYS
from services.platform.database import WriteSession
from tests.conftest import Room, agency_caller
from tests.packs import load, service, write_pack

PATH = "/api/v1/catalog/search-demand"
EDITOR = agency_caller("dukcapil", "catalog:write")


@pytest.fixture(scope="module")
def regency(shared_catalog: Room, tmp_path_factory: pytest.TempPathFactory) -> Room:
    services = [service("ktp", name="Kartu Tanda Penduduk", common_names=["KTP"])]
    load(shared_catalog, write_pack(tmp_path_factory.mktemp("pack"), services))
    return shared_catalog


def demand(room: Room) -> SearchDemand:
    found: SearchDemand = room.app.state.search_demand
    return found


def ask(room: Room, day: date, *queries: str, **filters: Any) -> None:
    """Search on a day, whose end is stored."""
    for query in queries:
        assert room.get("/api/v1/services", query=query, **filters).status_code == 200
    assert room.client.portal is not None
    room.client.portal.call(demand(room).store, day)


def shown(room: Room, month: str) -> list[tuple[str, int]]:
    answer = room.get(PATH, caller=EDITOR, month=month)
    assert answer.status_code == 200, answer.text
    return [(item["word"], item["days"]) for item in answer.json()["items"]]


def stored(room: Room, month: date) -> Sequence[str]:
    async def read(session: WriteSession) -> Sequence[str]:
        found = await session.scalars(
            text("SELECT word FROM catalog.search_demand WHERE month = :month"), {"month": month}
        )
        return found.all()

    return room.store(read)


@pytest.mark.slow
def test_a_word_is_shown_when_it_was_asked_for_on_five_days(regency: Room) -> None:
    month = date(2031, 1, 1)
    for n in range(LEAST_DAYS):
        # Twice on a day counts once; what a service gives does not count, nor do filtered searches.
        ask(regency, month + timedelta(days=n), "visa jepang", "Visa!", "ktp", "satelit 3271456")
        ask(regency, month + timedelta(days=n), "ktp", agency="pupr")
        if n < LEAST_DAYS - 1:
            assert shown(regency, "2031-01") == []
            ask(regency, month + timedelta(days=n), "helikopter")
    assert shown(regency, "2031-01") == [
        ("jepang", LEAST_DAYS),
        ("satelit", LEAST_DAYS),
        ("visa", LEAST_DAYS),
    ]


def test_a_word_that_was_asked_seldom_is_deleted_with_its_month(regency: Room) -> None:
    for n in range(LEAST_DAYS):
        ask(regency, date(2032, 1, 27) + timedelta(days=n), "bioskop", *(["kereta"] if n else []))
    assert set(stored(regency, date(2032, 1, 1))) == {"bioskop", "kereta"}
    ask(regency, date(2032, 2, 1), "bioskop")
    assert stored(regency, date(2032, 1, 1)) == ["bioskop"]
    ask(regency, date(2034, 2, 1), "bioskop")
    assert stored(regency, date(2032, 1, 1)) == []


def test_a_flood_of_made_up_words_has_a_limit_each_day_and_spares_known_ones(regency: Room) -> None:
    month = date(2033, 1, 1)
    ask(regency, month, "trem")
    made_up = [f"zz{chr(97 + n // 26)}{chr(97 + n % 26)}q" for n in range(NEW_WORDS_A_DAY + 50)]
    demand(regency).add(made_up)
    ask(regency, month + timedelta(days=1), "trem")
    assert len(stored(regency, month)) == NEW_WORDS_A_DAY + 1
    for n in range(2, 5):
        ask(regency, month + timedelta(days=n), "trem")
    assert shown(regency, "2033-01") == [("trem", 5)]


def test_staff_alone_see_the_demand(regency: Room) -> None:
    assert regency.get(PATH).status_code == 401
    nobody = agency_caller("dukcapil")
    assert regency.get(PATH, caller=nobody).status_code == 403
    answer = regency.get(PATH, caller=EDITOR)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.json()["items"] == []
    assert regency.get(PATH, caller=EDITOR, month="2031-13").status_code == 422
