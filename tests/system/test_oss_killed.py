"""A hub that is killed after it took messages of OSS and before it counted them."""

import os
import signal
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.platform.settings import Settings
from tests.conftest import Hub
from tests.gateway.oss_rows import current_figures
from tests.gateway.test_oss import connected_settings, message, token
from tests.servers import LOOPBACK, free_port
from tests.system.processes import environment_of, forked

pytestmark = pytest.mark.slow

MESSAGES = 20


def test_messages_that_were_acknowledged_are_counted_once_after_a_kill(
    settings: Settings, tmp_path: Path
) -> None:
    assert settings.database_url is not None
    environment = environment_of(
        settings.database_url.get_secret_value(),
        settings.data_dir,
        EMALL_OSS_USERNAME="oss",
        EMALL_OSS_PASSWORD="rahasia",
        EMALL_OSS_SENDERS="127.0.0.1",
    )
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with forked("serve", "--port", str(port), environment=environment, log=tmp_path / "log") as hub:
        hub.wait_until(address)
        acknowledged = 0
        for number in range(MESSAGES):
            nib = f"{number:013}"
            answer = LOOPBACK.post(
                f"{address}/api/v1/oss/receive-nib",
                json=message("receiveNIB", nib=nib),
                headers=token(nib),
            )
            acknowledged += answer.json()["responreceiveNIB"]["kode"] == "200"
        os.kill(hub.running.pid, signal.SIGKILL)
        hub.running.wait(10)
    assert acknowledged == MESSAGES
    assert current_figures(settings, "dpmptsp") == []
    chosen = connected_settings(settings, address)
    with TestClient(create_app(chosen), follow_redirects=False) as client:
        admin = Hub(client, chosen).auth("diskominfo", "admin")
        for _ in range(2):
            counted = client.post("/api/v1/connectors/oss/poll", headers=admin)
            assert counted.status_code == 200, counted.text
    assert current_figures(settings, "dpmptsp") == [("nib", "completed", MESSAGES, 1)]
