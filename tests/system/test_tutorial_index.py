"""The tutorial that builds an index: its commands as printed, on a hub of their own."""

import csv
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from services.gateway.app import create_app
from services.platform.settings import ROOT, Settings
from tests.conftest import Server, new_key
from tests.servers import serving
from tests.system.processes import emall_here, environment_of

TUTORIAL = ROOT / "docs" / "tutorial-index.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ISSUED = re.compile(r"\$\(\.venv/bin/emall keys issue --agency (\S+) (.*?)\)")
EMALL = re.compile(r"^\.venv/bin/emall (.*)$", re.MULTILINE)
ASSIGNED = re.compile(r"^(?:export )?\w+=.*$", re.MULTILINE)


def issue(settings: Settings, issued: re.Match[str]) -> str:
    """Issue the key that a command would."""
    scopes = [word for word in issued[2].split() if word != "--scope"]
    return new_key(settings, issued[1], *scopes)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def run(script: str, environment: Mapping[str, str]) -> str:
    """Run a script: what calls `emall` in this process, which need not import the hub again."""
    said, assigned = "", ""
    for number, part in enumerate(EMALL.split(script)):
        if number % 2:
            ran = emall_here(*part.split(), environment=environment)
        else:
            ran = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", assigned + part],
                env=dict(environment),
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )
            assigned += "".join(f"{line}\n" for line in ASSIGNED.findall(part))
        said += ran.stdout
        assert ran.returncode == 0, f"{said}\n{ran.stderr}"
    return said


def test_the_commands_of_the_tutorial_build_the_index_to_its_report(
    server: Server, toba: str, tmp_path: Path
) -> None:
    script = "\n".join(BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")))
    with server.database_from(toba) as name:
        settings = server.settings(name)
        with serving(create_app(settings)) as address:
            script = ISSUED.sub(lambda issued: issue(settings, issued), script)
            script = script.replace("http://127.0.0.1:8000", address)
            script = script.replace(".data/", f"{tmp_path}/")
            said = run(script, environment_of(server.address_of(name), settings.data_dir))
    assert said.count('{"id":"hdi-2010","version":1,"kind":"composite"') == 2
    assert "goalposts above 0, not 0" in said
    table = [line.split("\t") for line in said.splitlines() if line.count("\t") > 5]
    assert table[0][1:5] == ["unit", "name", "hdi", "hdi"]
    for _, _, country, printed, value, *_ in table[1:]:
        assert abs(float(value) / 100 - float(printed)) < 0.0025, country
    assert said.count('"state":"confirmed"') == 4
    assert '"value": 60.0927' in said
    assert "hdi.zip is valid: 6 values of hdi-2010 2010" in said
    assert (tmp_path / "hdi.pdf").read_bytes().startswith(b"%PDF")
    [line] = [line for line in said.splitlines() if line.startswith("12.12,2010,index,hdi")]
    assert next(csv.reader([line]))[7] == "60.0927"
