"""Live scores: computed once for each state of what they rest on, and never of an earlier one."""

from datetime import datetime
from typing import Any
from unittest.mock import patch

import pytest
from starlette.testclient import TestClient

from services.assessment.assessments import current_scores
from services.assessment.scoring.assess import assess
from services.gateway.app import create_app
from services.platform.local_time import DEFAULT_ZONE
from services.platform.service import API
from tests.assessment.test_attacks_on_evidence import DYNAMICS, observation, post
from tests.conftest import Hub, Room
from tests.feedback.sending import statistic
from tests.rows import rows

THIS_YEAR = datetime.now(DEFAULT_ZONE).year


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    return toba_hub


def live(client: TestClient, **query: Any) -> dict[str, Any]:
    answer = client.get(DYNAMICS, params={"draws": 200} | query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def computed_anew(hub: Hub, **query: Any) -> dict[str, Any]:
    """Return the same of another process of the hub, which knows nothing yet."""
    with TestClient(create_app(hub.settings), follow_redirects=False) as other:
        return live(other, **query)


def revision_of_feedback(hub: Hub) -> int:
    [row] = rows(hub.settings, "SELECT number FROM feedback.revision")
    return row["number"]


@pytest.mark.slow
def test_each_change_of_the_evidence_is_in_the_next_answer(hub: Hub) -> None:
    before = live(hub.client, period=2024)
    body = observation("trained", "staff_trained", value=0.9)
    posted = post(hub, "observations", body, agency="diskominfo")
    proposed = live(hub.client, period=2024)
    assert proposed["scores"]["with_proposals"]["proposals"] == 1
    assert proposed == computed_anew(hub, period=2024)
    hub.confirm(posted)
    after = live(hub.client, period=2024)
    assert after["scores"]["with_proposals"] is None
    assert len({one["evidence_hash"] for one in (before, proposed, after)}) == 3
    assert after == computed_anew(hub, period=2024)


@pytest.mark.slow
def test_each_change_of_what_other_services_report_is_in_the_next_answer(hub: Hub) -> None:
    before = live(hub.client, period=2024)
    revision = revision_of_feedback(hub)
    answer = hub.client.post(
        f"{API}/usage/statistics",
        json={
            "statistics": [statistic("dukcapil", "ktp-el"), statistic("dukcapil", "akta-kelahiran")]
        },
        headers=hub.auth("dukcapil", "usage:write"),
    )
    assert answer.is_success, answer.text
    assert revision_of_feedback(hub) == revision + 1  # once for a transaction, of however many rows
    after = live(hub.client, period=2024)
    assert after["evidence_hash"] != before["evidence_hash"]
    assert after == computed_anew(hub, period=2024)


def test_nothing_is_computed_again_while_nothing_changed(hub: Hub) -> None:
    first = live(hub.client, period=2024)
    with patch.object(current_scores, "assess", wraps=assess) as computed:
        assert live(hub.client, period=2024) == first
        computed.assert_not_called()
        live(hub.client, period=2024, seed=7)
        computed.assert_called_once()


def test_without_a_year_it_is_the_newest_with_an_index(hub: Hub) -> None:
    newest = live(hub.client)
    assert newest == live(hub.client, period=newest["period"])
    assert newest["scores"]["index"]["value"] is not None
    later = range(newest["period"] + 1, THIS_YEAR + 1)
    assert later
    for year in later:
        assert live(hub.client, period=year)["scores"]["index"]["value"] is None


def test_without_any_evidence_it_is_the_current_year(shared_assessment: Room) -> None:
    answer = shared_assessment.get(DYNAMICS, draws=200)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["period"], found["scores"]["index"]["value"]) == (THIS_YEAR, None)
