"""docker-compose.yml keeps its promises: locked containers, one public door, one holder of the
signing key."""

import re
from typing import Any

import pytest
import yaml

from services.platform.installation_roles import DEFAULT_PREFIX, role_name
from services.platform.settings import ROOT, Service, Settings

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
JOBS = ("keys", "prepare")
SERVICES = tuple(service.value for service in Service)
SETTINGS = {f"EMALL_{name.upper()}" for name in Settings.model_fields}


def environment(name: str) -> dict[str, str]:
    return CONTAINERS[name].get("environment", {})


def test_there_is_a_database_two_jobs_and_each_service_by_itself() -> None:
    assert set(CONTAINERS) == {"postgres", *JOBS, *SERVICES}
    assert CONTAINERS["postgres"]["image"] == "postgres:18"
    for name in SERVICES:
        assert CONTAINERS[name]["command"] == ["emall", "serve", name]


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_can_change_nothing_and_gain_nothing(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", container["user"])
    assert container["tmpfs"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & set(container)


@pytest.mark.parametrize("name", ["postgres", *SERVICES])
def test_every_long_running_container_has_a_health_check(name: str) -> None:
    check = CONTAINERS[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert CONTAINERS[name]["restart"] == "unless-stopped"


def test_only_the_gateway_is_reachable() -> None:
    assert [name for name, container in CONTAINERS.items() if "ports" in container] == ["gateway"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name, container in CONTAINERS.items():
        if name == "keys":
            assert container["network_mode"] == "none"
        else:
            wanted = ["inside", "outside"] if name == "gateway" else ["inside"]
            assert container["networks"] == wanted


def test_only_the_gateway_has_the_signing_key_mounted_read_only() -> None:
    for name in SERVICES:
        volumes = CONTAINERS[name]["volumes"]
        assert ("signing-key:/keys/signing:ro" in volumes) == (name == "gateway")
        # A key of a service's own is made by the service that uses it.
        own = {"assessment": "publishing", "feedback": "comments"}.get(name)
        changeable = [f"{own}-key:/keys/{own}"] if own else []
        assert [volume for volume in volumes if not volume.endswith(":ro")] == changeable
        settings = environment(name)
        assert ("EMALL_IDENTITY_PRIVATE_KEY_FILE" in settings) == (name == "gateway")
        assert settings["EMALL_IDENTITY_PUBLIC_KEY_FILE"] == "/keys/verifying/public.pem"


def test_a_service_logs_in_only_as_its_own_role() -> None:
    for name in SERVICES:
        addresses = {key for key in environment(name) if key.endswith("DATABASE_URL")}
        assert addresses == {f"EMALL_{name.upper()}_DATABASE_URL"}
        login = environment(name)[addresses.pop()]
        assert login.startswith(
            f"postgresql://{role_name(DEFAULT_PREFIX, Service(name))}:${{{name.upper()}_PASSWORD"
        )
        assert (
            environment("prepare")[f"EMALL_{name.upper()}_DATABASE_URL"].split(":?}")[0]
            == login.split("}")[0]
        )


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_setting_is_one_that_the_hub_knows(name: str) -> None:
    given = {key for key in environment(name) if key.startswith("EMALL_")}
    assert given <= SETTINGS


def test_a_service_starts_when_the_database_is_ready_for_it() -> None:
    for name in SERVICES:
        assert CONTAINERS[name]["depends_on"] == {
            job: {"condition": "service_completed_successfully"} for job in JOBS
        }
    assert CONTAINERS["prepare"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


def test_every_volume_and_address_that_is_used_exists() -> None:
    used = {
        volume.split(":")[0]
        for container in CONTAINERS.values()
        for volume in container.get("volumes", ())
    }
    assert used == set(COMPOSE["volumes"])
    for name in SERVICES:
        for key, value in environment(name).items():
            if value.startswith("http://"):
                assert value == f"http://{key.split('_')[1].lower()}:8000"
