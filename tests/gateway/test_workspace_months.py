"""`/kelola/laporan`: a month entered by one person and approved by another."""

import re
from datetime import UTC, date, datetime

import httpx
import pytest

from tests.conftest import Hub
from tests.gateway.people import Colleague, colleague

pytestmark = pytest.mark.usefixtures("signed_out")

MONTHS = "/kelola/laporan"
DRAFTS = "/api/v1/usage/statistics/drafts"
CELL = "ktp-el.counter.submitted"


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    """Provide a hub for a module; each of its tests reports another month."""
    return toba_hub


@pytest.fixture(scope="module")
def reporter(hub: Hub) -> Colleague:
    return colleague(hub, "pelapor@dukcapil.test", ("reporter", "dukcapil"))


@pytest.fixture(scope="module")
def approver(hub: Hub) -> Colleague:
    return colleague(hub, "penyetuju@dukcapil.test", ("approver", "dukcapil"))


def save(person: Colleague, period: str, fields: dict[str, str]) -> httpx.Response:
    """Send the form of a month as it is shown now, with these fields."""
    return person.post(f"{MONTHS}/{period}", {"versi": revision(person, period)} | fields)


def revision(person: Colleague, period: str) -> str:
    found = re.search(r'name="versi" value="(\d+)"', person.get(f"{MONTHS}/{period}").text)
    return found[1] if found else "0"


def act(person: Colleague, period: str, step: str, **fields: str) -> httpx.Response:
    return person.post(f"{MONTHS}/{period}/{step}", {"versi": revision(person, period)} | fields)


def value_of(page: httpx.Response, name: str) -> str | None:
    found = re.search(rf'<input id="{re.escape(name)}"[^>]* value="([^"]*)"', page.text)
    return found[1] if found else None


def figures(hub: Hub, period: str) -> dict[str, tuple[int, str | None]]:
    """Return the current figures of a month, which everybody can read."""
    path = f"/api/v1/usage/statistics?period={period}&agency=dukcapil"
    items = hub.client.get(path).json()["items"]
    return {
        f"{one['service']}.{one['channel']}.{one['measure']}": (one["value"], one["reason"])
        for one in items
        if one["is_current"]
    }


def test_a_month_is_entered_by_one_person_and_counts_once_another_approves(
    hub: Hub, reporter: Colleague, approver: Colleague
) -> None:
    assert save(reporter, "2024-01", {CELL: "1.234"}).status_code == 303
    seen = approver.get(f"{MONTHS}/2024-01")
    assert value_of(seen, CELL) == "1234"
    assert "disimpan pelapor" in seen.text
    assert save(reporter, "2024-01", {CELL: "1.240", "ajukan": "1"}).status_code == 303
    assert figures(hub, "2024-01") == {}
    own = reporter.get(f"{MONTHS}/2024-01")
    assert f'{MONTHS}/2024-01/setujui"' not in own.text
    assert act(approver, "2024-01", "setujui").status_code == 303
    assert figures(hub, "2024-01") == {CELL: (1240, None)}
    locked = reporter.get(f"{MONTHS}/2024-01")
    assert value_of(locked, CELL) is None
    assert "1.240" in locked.text
    assert "Tanpa angka: Akta Kelahiran" in locked.text
    assert "Approved" in reporter.get(f"{MONTHS}/2024-01?lang=en").text


def test_nobody_approves_what_they_entered_or_submitted(
    hub: Hub, reporter: Colleague, approver: Colleague
) -> None:
    save(approver, "2024-02", {CELL: "7"})
    save(reporter, "2024-02", {CELL: "7", "ajukan": "1"})
    refused = act(approver, "2024-02", "setujui")
    assert refused.status_code == 403
    assert "Anda ikut mengisi" in refused.text
    assert act(reporter, "2024-02", "setujui").status_code == 403
    assert figures(hub, "2024-02") == {}
    assert act(reporter, "2024-02", "buka", buka="salah bulan").status_code == 303
    assert "salah bulan" in approver.get(f"{MONTHS}/2024-02").text


@pytest.mark.slow
def test_an_approved_month_is_opened_again_with_a_reason_and_corrected(
    hub: Hub, reporter: Colleague, approver: Colleague
) -> None:
    save(reporter, "2024-03", {CELL: "400", "ajukan": "1"})
    act(approver, "2024-03", "setujui")
    late = save(reporter, "2024-03", {CELL: "410"})
    assert late.status_code == 409
    assert value_of(late, CELL) == "410"
    assert act(reporter, "2024-03", "buka").status_code == 422
    opened = act(reporter, "2024-03", "buka", buka="satu berkas terlewat")
    assert opened.status_code == 303
    assert value_of(reporter.get(f"{MONTHS}/2024-03"), CELL) == "400"
    assert figures(hub, "2024-03") == {CELL: (400, None)}
    without = save(reporter, "2024-03", {CELL: "410", "ajukan": "1"})
    assert without.status_code == 422
    assert 'href="#alasan"' in without.text
    reason = "satu berkas terlewat"
    save(reporter, "2024-03", {CELL: "410", "alasan": reason, "ajukan": "1"})
    act(approver, "2024-03", "setujui")
    assert figures(hub, "2024-03") == {CELL: (410, reason)}


def test_errors_are_at_the_cells_and_everything_typed_stays(hub: Hub, reporter: Colleague) -> None:
    fields = {CELL: "12,5", "ktp-el.counter.completed": "398", "ktp-el.counter.rejected": "-"}
    page = save(reporter, "2024-04", fields)
    assert page.status_code == 422
    assert {name: value_of(page, name) for name in fields} == fields
    assert f'href="#{CELL}"' in page.text
    assert "bukan bilangan bulat" in page.text
    empty = save(reporter, "2024-04", {"ajukan": "1"})
    assert empty.status_code == 422
    assert "Belum ada angka" in empty.text


def test_what_a_colleague_saved_meanwhile_is_not_overwritten_unseen(
    reporter: Colleague, approver: Colleague
) -> None:
    read = revision(reporter, "2024-05")
    save(approver, "2024-05", {CELL: "51"})
    conflict = reporter.post(f"{MONTHS}/2024-05", {"versi": read, CELL: "52"})
    assert conflict.status_code == 409
    assert value_of(conflict, CELL) == "52"
    assert "tersimpan: 51" in conflict.text
    assert save(reporter, "2024-05", {CELL: "52"}).status_code == 303


def test_a_doubt_is_shown_at_its_figure_and_explained(
    hub: Hub, reporter: Colleague, approver: Colleague
) -> None:
    usual = [
        {
            "agency": "dukcapil",
            "service": "ktp-el",
            "channel": "counter",
            "period": f"2023-{month:02}",
            "counters": {"submitted": figure},
        }
        for month, figure in enumerate((401, 398, 404, 399, 402, 397), start=1)
    ]
    key = hub.auth("dukcapil", "usage:write")
    sent = hub.client.post("/api/v1/usage/statistics", json={"statistics": usual}, headers=key)
    assert sent.status_code == 200  # programs that report directly need no approval
    save(reporter, "2023-07", {CELL: "4010", "ajukan": "1"})
    waiting = approver.get(f"{MONTHS}/2023-07")
    assert "Jun 2023: 397" in waiting.text
    assert "padahal biasanya sekitar 400" in waiting.text
    assert "/penjelasan" not in waiting.text
    act(approver, "2023-07", "setujui")
    assert "1 angka Juli 2023 perlu dijelaskan" in reporter.get("/kelola").text
    page = reporter.get(f"{MONTHS}/2023-07")
    found = re.search(r'name="tanda" value="([0-9a-f-]+)"', page.text)
    assert found is not None
    blank = reporter.post(f"{MONTHS}/2023-07/penjelasan", {"tanda": found[1]})
    assert f'href="#jelas-{found[1]}"' in blank.text
    fields = {"tanda": found[1], f"jelas-{found[1]}": "Pekan pelayanan keliling."}
    assert reporter.post(f"{MONTHS}/2023-07/penjelasan", fields).status_code == 303
    assert "/penjelasan" not in reporter.get(f"{MONTHS}/2023-07").text


def test_the_desk_leads_to_the_months(hub: Hub, reporter: Colleague, approver: Colleague) -> None:
    now = datetime.now(UTC)
    ended = date(now.year - (now.month == 1), (now.month - 2) % 12 + 1, 1)
    period = f"{ended:%Y-%m}"
    save(reporter, period, {CELL: "9", "ajukan": "1"})
    desk = approver.get("/kelola")
    assert "menunggu persetujuan Anda" in desk.text
    assert f'href="{MONTHS}/{period}"' in desk.text
    assert "menunggu persetujuan Anda" not in reporter.get("/kelola").text
    save(reporter, "2019-05", {CELL: "9", "ajukan": "1"})
    assert f'href="{MONTHS}/2019-05"' in approver.get("/kelola").text
    listed = reporter.get(MONTHS)
    assert "Menunggu persetujuan" in listed.text
    assert f'href="{MONTHS}/{period}"' in listed.text
    assert 'href="/dasbor/pelaporan"' in listed.text


def test_a_month_that_nobody_can_approve_is_on_the_desk_of_the_lead(
    hub: Hub, reporter: Colleague, approver: Colleague
) -> None:
    lead = colleague(hub, "pengampu@diskominfo.test", ("lead", "diskominfo"))
    now = datetime.now(UTC)
    back = (now.year * 12 + now.month - 1) - 3
    period = f"{back // 12}-{back % 12 + 1:02}"
    save(approver, period, {CELL: "5", "ajukan": "1"})
    line = "Dinas Kependudukan dan Pencatatan Sipil menunggu persetujuan, tetapi"
    assert line in lead.get("/kelola").text
    assert line not in reporter.get("/kelola").text
    second = colleague(hub, "kedua@dukcapil.test", ("approver", "dukcapil"))
    assert line not in lead.get("/kelola").text
    assert act(second, period, "setujui").status_code == 303


def test_a_month_that_has_not_begun_or_does_not_exist_is_refused(reporter: Colleague) -> None:
    later = save(reporter, "2099-12", {CELL: "1"})
    assert later.status_code == 422
    assert "belum mulai" in later.text
    assert reporter.get(f"{MONTHS}/2024-13").status_code in {404, 422}


def test_another_agency_reads_and_approves_nothing(hub: Hub, reporter: Colleague) -> None:
    save(reporter, "2024-06", {CELL: "61", "ajukan": "1"})
    stranger = colleague(hub, "penyetuju@dinkes.test", ("approver", "dinkes"))
    assert CELL not in stranger.get(f"{MONTHS}/2024-06").text
    assert act(stranger, "2024-06", "setujui").status_code == 409
    key = hub.auth("dinkes", "usage:write")
    path = f"{DRAFTS}/2024-06?agency=dukcapil"
    assert hub.client.get(path, headers=key).status_code == 403
    body = {"revision": 2}
    answer = hub.client.post(f"{DRAFTS}/2024-06/approval?agency=dukcapil", json=body, headers=key)
    assert answer.status_code == 403
    assert figures(hub, "2024-06") == {}
