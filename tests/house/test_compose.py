"""docker-compose.yml keeps its promises: locked containers, one public door, two of each service,
one holder of the signing key, secrets in files."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from services.platform import settings as settings_module
from services.platform.installation_roles import DEFAULT_PREFIX, role_name
from services.platform.settings import ROOT, Service, Settings, load_settings
from tests.conftest import required_program

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
JOBS = ("keys", "prepare")
BACKUP = "backup"
SERVICES = tuple(f"{service}-{one}" for service in Service for one in "ab")
SETTINGS = {f"EMALL_{name.upper()}" for name in Settings.model_fields}


def service_of(name: str) -> str:
    return name.partition("-")[0]


def environment(name: str) -> dict[str, str]:
    return CONTAINERS[name].get("environment", {})


def test_there_are_a_proxy_a_database_two_jobs_and_two_of_each_service() -> None:
    assert set(CONTAINERS) == {"proxy", "postgres", *JOBS, BACKUP, *SERVICES}
    for name in SERVICES:
        assert CONTAINERS[name]["command"] == ["emall", "serve", service_of(name)]
        assert CONTAINERS[name] == CONTAINERS[f"{service_of(name)}-a"]


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_can_change_nothing_and_gain_nothing(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", container["user"])
    assert container["tmpfs"]
    assert not {"privileged", "devices", "pid", "ipc"} & set(container)


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_takes_no_more_than_its_share(name: str) -> None:
    container = CONTAINERS[name]
    assert container["logging"]["options"].keys() == {"max-size", "max-file"}
    assert container["pids_limit"] <= 300
    assert container["mem_limit"] in {"256m", "512m", "1g"}


@pytest.mark.parametrize("name", ["proxy", "postgres", *SERVICES])
def test_every_long_running_container_has_a_health_check_and_time_to_stop(name: str) -> None:
    container = CONTAINERS[name]
    assert container["healthcheck"]["test"][0] == "CMD"
    assert container["restart"] == "unless-stopped"
    assert int(container["stop_grace_period"].removesuffix("s")) > 20


def test_only_the_proxy_is_reachable_and_trusted() -> None:
    assert [name for name, container in CONTAINERS.items() if "ports" in container] == ["proxy"]
    networks = COMPOSE["networks"]
    assert networks["inside"] == {"internal": True}
    assert networks["front"]["internal"] is True
    [front] = networks["front"]["ipam"]["config"]
    for name, container in CONTAINERS.items():
        if name == "keys":
            assert container["network_mode"] == "none"
        elif service_of(name) == "gateway":
            assert container["networks"] == ["inside", "front", "outside"]
            assert environment(name)["EMALL_TRUSTED_PROXIES"] == front["subnet"]
        elif name == "proxy":
            assert container["networks"] == ["front", "outside"]
        else:
            assert list(container["networks"]) == ["inside"]


def test_the_metrics_of_each_service_are_reachable_from_inside_only() -> None:
    for name in SERVICES:
        settings = environment(name)
        assert settings["EMALL_METRICS_HOST"] == "0.0.0.0"
        assert settings["EMALL_METRICS_PORT"] == "9100"
        assert "inside" in CONTAINERS[name]["networks"]
    assert "9100" not in (ROOT / "deploy" / "compose" / "Caddyfile").read_text()


def test_only_the_gateways_have_the_signing_key_mounted_read_only() -> None:
    for name in SERVICES:
        volumes = CONTAINERS[name]["volumes"]
        assert ("signing-key:/keys/signing:ro" in volumes) == (service_of(name) == "gateway")
        # A key of a service's own is made by the service that uses it.
        own = {"assessment": "publishing", "feedback": "comments"}.get(service_of(name))
        changeable = [f"{own}-key:/keys/{own}"] if own else []
        assert [volume for volume in volumes if not volume.endswith(":ro")] == changeable
        settings = environment(name)
        assert ("EMALL_IDENTITY_PRIVATE_KEY_FILE" in settings) == (service_of(name) == "gateway")
        assert settings["EMALL_IDENTITY_PUBLIC_KEY_FILE"] == "/keys/verifying/public.pem"


def test_passwords_are_in_files_and_a_service_has_its_own_only() -> None:
    for name in SERVICES:
        assert CONTAINERS[name]["secrets"] == [f"emall_{service_of(name)}_database_url"]
    for name in CONTAINERS:
        assert [key for key in environment(name) if "PASSWORD" in key] == (
            ["POSTGRES_PASSWORD_FILE"] if name == "postgres" else []
        )
    used = {secret for container in CONTAINERS.values() for secret in container.get("secrets", ())}
    assert used == set(COMPOSE["secrets"])


def test_the_secrets_that_are_made_are_those_that_are_used(tmp_path: Path) -> None:
    script = (ROOT / "deploy" / "compose" / "make-secrets").read_text()
    for program in ("chown", "chmod"):  # needs root; done by the test of the images
        (tmp_path / program).symlink_to(shutil.which("true") or "/bin/true")
    made = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False
    )
    assert made.returncode == 0
    files = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert {f"./secrets/{name}" for name in files} == {
        secret["file"] for secret in COMPOSE["secrets"].values()
    }
    assert (tmp_path / "backups").is_dir()
    passwords = {text.rpartition(":")[2].partition("@")[0] for text in files.values()}
    assert len(passwords) == 6
    assert f":{files['owner_password']}@" in files["emall_database_url"]
    for service in Service:
        role = role_name(DEFAULT_PREFIX, service)
        login = files[f"emall_{service}_database_url"]
        assert re.fullmatch(rf"postgresql://{role}:[0-9a-f]{{48}}@postgres/emall", login)
    again = subprocess.run(["sh", "-c", script], cwd=tmp_path, check=False, capture_output=True)
    assert again.returncode == 1


def test_a_setting_is_read_from_a_file_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    containers, credentials = tmp_path / "secrets", tmp_path / "credentials"
    for folder in (containers, credentials):
        folder.mkdir()
    monkeypatch.setattr(settings_module, "CONTAINER_SECRETS", str(containers))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    (containers / "emall_catalog_database_url").write_text("postgresql://c\n")
    (credentials / "emall_gateway_database_url").write_text("postgresql://g")
    (credentials / "emall_oss_user_key").write_text("from a file")
    monkeypatch.setenv("EMALL_OSS_USER_KEY", "from the environment")
    load_settings.cache_clear()
    try:
        settings = load_settings()
    finally:
        load_settings.cache_clear()
    assert settings.catalog_database_url == SecretStr("postgresql://c")
    assert settings.gateway_database_url == SecretStr("postgresql://g")
    assert settings.oss_user_key == SecretStr("from the environment")


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_setting_is_one_that_the_hub_knows(name: str) -> None:
    given = {key for key in environment(name) if key.startswith("EMALL_")}
    given |= {f"{key.upper()}" for key in CONTAINERS[name].get("secrets", ()) if "emall" in key}
    assert given <= SETTINGS


def test_a_backup_reads_every_key_and_changes_none() -> None:
    backup = CONTAINERS[BACKUP]
    *keys, archives = backup["volumes"]
    assert archives == "./backups:/backups"
    written = {
        volume.removesuffix(":ro") for name in SERVICES for volume in CONTAINERS[name]["volumes"]
    }
    assert {volume.removesuffix(":ro") for volume in keys} == written
    assert all(volume.endswith(":ro") for volume in keys)
    used = {
        (key, value)
        for name in SERVICES
        for key, value in environment(name).items()
        if key.endswith("KEY_FILE")
    }
    assert set(environment(BACKUP).items()) == used


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
    files = {path for path in used if path.startswith("./")}
    assert all((ROOT / path).is_file() for path in files - {"./backups"})
    assert used - files == set(COMPOSE["volumes"])
    for name in SERVICES:
        for key, value in environment(name).items():
            if value.startswith("http://"):
                service = key.split("_")[1].lower()
                assert value == f"http://{service}-a:8000 http://{service}-b:8000"
                for replica in ("a", "b"):
                    assert "inside" in CONTAINERS[f"{service}-{replica}"]["networks"]


def test_docker_compose_accepts_the_file(tmp_path: Path) -> None:
    docker = required_program("docker")
    known = subprocess.run([docker, "compose", "version"], check=False, capture_output=True)
    if known.returncode:
        pytest.skip("docker has no plugin compose")
    command = [docker, "compose", "--file", ROOT / "docker-compose.yml", "config", "--quiet"]
    inherited = {name: value for name, value in os.environ.items() if name != "DOMAIN"}

    def check(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=inherited | environment,
            check=False,
            capture_output=True,
            text=True,
        )

    accepted, refused = check(DOMAIN="localhost"), check()
    assert accepted.returncode == 0, accepted.stderr
    assert "DOMAIN" in refused.stderr


@pytest.mark.parametrize("file", ["caddy/Caddyfile", "caddy/pairs.Caddyfile", "compose/Caddyfile"])
def test_caddy_accepts_the_files(file: str) -> None:
    caddy = required_program("caddy")
    checked = subprocess.run(
        [caddy, "validate", "--adapter", "caddyfile", "--config", ROOT / "deploy" / file],
        env={"PATH": "/usr/bin:/bin", "DOMAIN": "localhost", "HOME": "/nonexistent"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr
