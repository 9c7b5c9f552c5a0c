"""What the front page says about use: services that are used, none that hardly is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.platform.service import API
from tests.conftest import Hub

pytestmark = pytest.mark.slow

HEADING = "Paling sering dipakai"


def use(hub: Hub, service: str, times: int) -> None:
    now = datetime.now(UTC).isoformat()
    events = [
        {
            "id": str(uuid4()),
            "kind": "click_out",
            "occurred_at": now,
            "agency": "dukcapil",
            "service": service,
            "channel": "online",
            "source": "agency",
        }
        for _ in range(times)
    ]
    answer = hub.client.post(
        f"{API}/usage/events", json={"events": events}, headers=hub.auth("dukcapil", "usage:write")
    )
    assert answer.status_code in {200, 201, 202}, answer.text


def popular(hub: Hub) -> Sequence[str]:
    page = hub.client.get("/", headers={"Cache-Control": "no-cache"}).text
    if HEADING not in page:
        return []
    part = page[page.index(HEADING) :]
    part = part[: part.index("</section>")]
    return [link.split('"')[0] for link in part.split('href="/layanan/')[1:]]


def test_the_front_page_names_services_with_five_uses_most_used_first(toba_hub: Hub) -> None:
    use(toba_hub, "akta-perceraian", 4)
    assert "akta-perceraian" not in popular(toba_hub)
    use(toba_hub, "kia", 600)
    use(toba_hub, "akta-kematian", 500)
    assert popular(toba_hub)[:2] == ["kia", "akta-kematian"]
    assert "akta-perceraian" not in popular(toba_hub)
