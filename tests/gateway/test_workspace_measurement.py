"""`/kelola/penilaian`: a year is assessed by one person and published by another."""

import re

import pytest

from services.platform.service import API
from tests.conftest import Hub
from tests.gateway.people import Colleague, colleague, visitor

pytestmark = pytest.mark.usefixtures("signed_out")

PAGE = "/kelola/penilaian"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Provide a hub for a module; its tests assess different years."""
    return toba_hub


@pytest.fixture(scope="module")
def evaluator(hub: Hub) -> Colleague:
    return colleague(hub, "evaluator@kampus.test", ("evaluator", None))


@pytest.fixture(scope="module")
def lead(hub: Hub) -> Colleague:
    return colleague(hub, "pengampu@diskominfo.test", ("lead", "diskominfo"))


def published(hub: Hub, year: int) -> list[str]:
    found = hub.client.get(f"{API}/assessments?period={year}").json()["items"]
    return [one["id"] for one in found]


def test_who_has_no_role_for_assessments_does_not_enter(hub: Hub) -> None:
    assert visitor(hub).get(PAGE).headers["location"].startswith("/kelola/masuk")
    reporter = colleague(hub, "pelapor@dukcapil.test", ("reporter", "dukcapil"))
    assert reporter.get(PAGE).status_code == 403
    assert reporter.post(PAGE, {"tahun": "2024"}).status_code == 403
    assert PAGE not in reporter.get("/kelola").text


@pytest.mark.slow
def test_a_year_is_a_draft_until_a_second_person_publishes_it(
    hub: Hub, evaluator: Colleague, lead: Colleague
) -> None:
    wrong = evaluator.post(PAGE, {"tahun": "1999"})
    assert wrong.status_code == 422
    assert 'href="#tahun"' in wrong.text
    made = evaluator.post(PAGE, {"tahun": "2024"})
    assert made.status_code == 303, made.text
    page = made.headers["location"]
    own = evaluator.get(page)
    assert "Konsep penilaian 2024" in own.text
    assert "belum punya penilaian yang terbit" in own.text
    assert "Yang belum ada buktinya" in own.text
    assert f'action="{page}/terbit' not in own.text
    assert evaluator.post(f"{page}/terbit").status_code == 403
    assert published(hub, 2024) == []
    assert hub.client.get("/dasbor?tahun=2024").status_code == 200
    assert page in lead.get(PAGE).text
    seen = lead.get(f"{page}?lang=en").text
    assert "Draft assessment of 2024" in seen
    assert "made on" in seen.lower()
    assert "by evaluator" in seen
    assert lead.post(f"{page}/hapus").status_code == 403
    assert lead.post(f"{page}/terbit").status_code == 303
    [stored] = published(hub, 2024)
    assert stored == page.rpartition("/")[2]
    assert "Penilaian tersimpan pada" in hub.client.get("/dasbor?tahun=2024").text
    listed = lead.get(PAGE).text
    assert page not in listed
    assert f"{API}/assessments/{stored}/bundle" in listed
    assert "Belum ada berkas kabupaten lain" in listed
    assert lead.get(page).status_code == 404
    assert lead.post(f"{page}/terbit").status_code == 404
    newer = lead.post(PAGE, {"tahun": "2024"}).headers["location"]
    assert "Yang terbit sekarang: " in lead.get(newer).text
    assert lead.post(f"{newer}/hapus").status_code == 303
    assert evaluator.get(newer).status_code == 404


def test_a_draft_that_is_older_than_what_is_published_is_refused(
    hub: Hub, evaluator: Colleague, lead: Colleague
) -> None:
    old = evaluator.post(PAGE, {"tahun": "2025"}).headers["location"]
    new = evaluator.post(PAGE, {"tahun": "2025"}).headers["location"]
    assert lead.post(f"{new}/terbit").status_code == 303
    late = lead.post(f"{old}/terbit")
    assert late.status_code == 409
    assert "sudah terbit" in late.text
    assert re.search(r'href="#terbit"', late.text)
    assert len(published(hub, 2025)) == 1


def test_an_index_is_shown_with_its_gap_to_the_next_target(lead: Colleague) -> None:
    assert f'href="{PAGE}/indeks"' in lead.get(PAGE).text
    shown = lead.get(f"{PAGE}/indeks").text
    assert "Dari 2,98 (2024) ke target 3,39 (2026): kurang 0,41." in shown
    assert "kenaikan satu tingkat" in shown
    assert "tercetak Cukup" in shown
    assert "From 2.98 (2024)" in lead.get(f"{PAGE}/indeks?lang=en").text
