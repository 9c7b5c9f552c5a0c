"""While a hub is upgraded, processes of two versions work on one database."""

import asyncio
import re
from typing import Any

import asyncpg
import pytest

from services.platform.version import version_mark
from tests.conftest import TOBA, Hub
from tests.rows import rows
from tests.system.processes import emall_here, environment_of

SURVEYS = "/api/v1/surveys"


def store_as_newer(hub: Hub, slug: str, change: str) -> None:
    """Change a stored survey as a newer version of the hub would have stored it."""
    rows(hub.settings, f"UPDATE feedback.survey SET content = {change} WHERE slug = $1", slug)


@pytest.mark.slow
def test_a_field_of_a_newer_version_is_ignored(hub: Hub) -> None:
    before = hub.client.get(f"{SURVEYS}/skm").json()
    store_as_newer(hub, "skm", 'content || \'{"later": {"a": 1}}\'')
    store_as_newer(hub, "skm", "jsonb_set(content, '{questions,0,later}', '1')")
    assert hub.client.get(f"{SURVEYS}/skm").json() == before
    assert hub.client.get("/survei").status_code == 200
    answers = {f"U{number}": 4 for number in range(1, 10)}
    sent = hub.client.post(
        f"{SURVEYS}/skm/responses", json={"service": "ktp-el", "answers": answers}
    )
    assert sent.status_code in {201, 202}, sent.text


def test_a_survey_with_a_question_kind_of_a_newer_version_is_left_out(hub: Hub) -> None:
    everything = {survey["slug"] for survey in hub.client.get(SURVEYS).json()["items"]}
    store_as_newer(hub, "skm", "jsonb_set(content, '{questions,0,kind}', '\"later\"')")
    listed = hub.client.get(SURVEYS)
    assert listed.status_code == 200
    assert {survey["slug"] for survey in listed.json()["items"]} == everything - {"skm"}
    assert hub.client.get("/survei").status_code == 200
    answer = hub.client.get(f"{SURVEYS}/skm")
    assert answer.status_code == 503
    assert "newer version" in answer.json()["detail"]
    assert hub.client.get("/survei/skm").status_code == 503


def test_every_connection_carries_the_version(hub: Hub) -> None:
    hub.client.get("/api/v1/services")
    query = "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'emall %' "
    names = [row[0] for row in rows(hub.settings, f"{query} AND datname = current_database()")]
    assert names
    assert all(name.endswith(f" ({version_mark()})") for name in names), names


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("emall feedback: events (0.0.9 0123456789ab)", "feedback (0.0.9 0123456789ab)"),
        ("emall gateway", "gateway (an older version)"),
    ],
)
def test_a_pack_is_loaded_after_the_last_process_of_another_version(
    hub: Hub, name: str, told: str, tmp_path: Any
) -> None:
    assert hub.settings.database_url is not None
    address = hub.settings.database_url.get_secret_value()
    environment = environment_of(address, hub.settings.data_dir)

    async def with_other() -> tuple[Any, Any, Any]:
        connection = await asyncpg.connect(address, server_settings={"application_name": name})
        try:
            load = ("load", str(TOBA))
            return (
                await asyncio.to_thread(emall_here, *load, environment=environment),
                await asyncio.to_thread(emall_here, *load, "--dry-run", environment=environment),
                await asyncio.to_thread(
                    emall_here, *load, "--beside-other-versions", environment=environment
                ),
            )
        finally:
            await connection.close()

    refused, dry, beside = asyncio.run(with_other())
    assert refused.returncode == 1
    assert re.search(rf"running: {re.escape(told)}\.", refused.stderr), refused.stderr
    assert (dry.returncode, beside.returncode) == (0, 0)
    # The hub of this test has the same version.
    loaded = emall_here("load", str(TOBA), environment=environment)
    assert loaded.returncode == 0, loaded.stderr
