"""The units of deploy/systemd: systemd accepts them, and what they may do is bounded."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from services.platform.settings import ROOT, Service, Settings
from tests.conftest import required_program

SYSTEMD = ROOT / "deploy" / "systemd"
UNITS = sorted(file.name for file in SYSTEMD.iterdir() if file.is_file())
HUB_UNITS = [name for name in UNITS if name.endswith(".service")]
SETTINGS = {name.upper() for name in Settings.model_fields}
EXPOSURE = "15"
"""Highest exposure level of `systemd-analyze security`, in tenths, that a unit may have."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a root folder with the units, systemd's own ones and a program to start."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree(SYSTEMD, root / "etc" / "systemd" / "system")
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    for path in ("opt/emall/bin/emall", "bin/sh", "usr/bin/find"):
        program = root / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    return root


def instance_of(unit: str) -> str:
    return unit.replace("@.", "@8011.")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = required_program("systemd-analyze")
    return subprocess.run(
        [program, "--no-pager", *arguments], check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_wrong_with_a_unit(root: Path, unit: str) -> None:
    if unit.endswith(".sysusers"):
        pytest.skip("not a unit")
    file = root / "etc" / "systemd" / "system" / instance_of(unit)
    checked = analyze("verify", f"--root={root}", str(file))
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("unit", HUB_UNITS)
def test_a_unit_may_do_little(root: Path, unit: str) -> None:
    arguments = ("security", "--offline=true", f"--root={root}", f"--threshold={EXPOSURE}")
    checked = analyze(*arguments, instance_of(unit))
    assert checked.returncode == 0, checked.stdout
    text = (SYSTEMD / unit).read_text()
    hardening = (SYSTEMD / "emall-.service.d" / "10-hardening.conf").read_text()
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "User=emall"):
        assert line in hardening
    for setting in ("MemoryMax=", "TasksMax="):
        # Here, and not in the drop-in, which is read later and would win.
        assert setting in text
        assert setting not in hardening


def test_a_fault_would_be_found(root: Path) -> None:
    file = root / "etc" / "systemd" / "system" / "emall-wrong.service"
    file.write_text("[Service]\nType=exec\nExecStart=/opt/emall/bin/missing\n")
    checked = analyze("verify", f"--root={root}", str(file))
    file.unlink()
    assert "missing" in checked.stderr


def test_there_are_two_of_each_service_with_its_own_login_and_without_the_keys_of_others() -> None:
    target = (SYSTEMD / "emall.target").read_text()
    proxy = (ROOT / "deploy" / "caddy" / "pairs.Caddyfile").read_text()
    askers = {
        service: (SYSTEMD / f"emall-{service}@.service").read_text()
        for service in (Service.gateway, Service.assessment)
    }
    scraped = (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text()
    keys = {"gateway": {"identity/private.pem", "secrets"}, "feedback": {"comments"}}
    keys |= {"assessment": {"publishing"}, "catalog": set[str]()}
    for service in Service:
        text = (SYSTEMD / f"emall-{service}@.service").read_text()
        assert f"emall serve {service} --port %i" in text
        assert text.count("LoadCredential=") == 1
        assert f"LoadCredential=emall_{service}_database_url:" in text
        assert "Environment=EMALL_METRICS_PORT=1%i\n" in text
        assert "EMALL_METRICS_HOST" not in text  # loopback
        ports = [part.partition(".")[0] for part in target.split(f"emall-{service}@")[1:]]
        assert len(set(ports)) == 2
        where = [proxy] if service is Service.gateway else [askers[Service.gateway]]
        if service in {Service.catalog, Service.feedback}:
            where.append(askers[Service.assessment])
        assert all(f"127.0.0.1:{port}" in each for port in ports for each in where)
        assert all(f"127.0.0.1:1{port}" in scraped for port in ports)
        [line] = [line for line in text.splitlines() if line.startswith("InaccessiblePaths=")]
        hidden = {
            path.removeprefix("-/var/lib/emall/")
            for path in line.removeprefix("InaccessiblePaths=").split()
        }
        others = {key for name, own in keys.items() if name != service for key in own}
        assert hidden == others


@pytest.mark.parametrize("unit", HUB_UNITS)
def test_every_setting_of_a_unit_is_one_that_the_hub_knows(unit: str) -> None:
    text = (SYSTEMD / unit).read_text()
    named = re.findall(r"\bEMALL_([A-Z_]+)=", text)
    named += re.findall(r"LoadCredential=emall_([a-z_]+):", text)
    assert {name.upper() for name in named} <= SETTINGS
