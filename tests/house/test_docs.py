"""What the hub can do is documented, and what is documented exists."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from services.cli.app import app
from services.gateway.app import create_app
from services.platform.metrics.definitions import METRICS
from services.platform.problems import PROBLEM_CLASSES, problem_type
from services.platform.scopes import SCOPES
from services.platform.settings import ROOT, Settings
from tests.conftest import Hub, Server
from tests.house.test_serving import surroundings
from tests.servers import serving

DOCS = ROOT / "docs"
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
BINARY = {".png", ".xz", ".zip"}
TABLE_CODE = re.compile(r"^\| `([^`]+)`", re.MULTILINE)


def tracked(suffix: str = "") -> list[Path]:
    """Return the files of the project that git does not ignore."""
    if not (ROOT / ".git").exists():
        files = (path for path in ROOT.rglob(f"*{suffix}") if ".venv" not in path.parts)
        return [path for path in files if path.is_file() and ".data" not in path.parts]
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    return [path for name in listed if name.endswith(suffix) and (path := ROOT / name).is_file()]


def first_cells(document: str, prefix: str) -> set[str]:
    """Return the names with this prefix that start the rows of a document's tables."""
    cells = TABLE_CODE.findall((DOCS / document).read_text())
    return {cell for cell in cells if cell.startswith(prefix)}


def commands(group: Any, *above: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *above, name)
        if not hasattr(command, "commands") or command.invoke_without_command:
            yield " ".join(("emall", *above, name))


def test_every_setting_is_documented_with_its_default() -> None:
    known = {f"EMALL_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert first_cells("operations.md", "EMALL_") == set(known)
    text = (DOCS / "operations.md").read_text()
    for name, field in known.items():
        if field.default is not None:
            assert f"| `{name}` | `{field.default}` |" in text


def test_every_command_is_documented() -> None:
    known = set(commands(typer.main.get_command(app)))
    assert len(known) > 5
    assert first_cells("operations.md", "emall ") == known


def test_every_metric_is_documented() -> None:
    assert first_cells("operations.md", "emall_") == {metric.name for metric in METRICS}


def test_every_scope_is_documented() -> None:
    assert first_cells("api.md", "") - first_cells("api.md", "urn:") == set(SCOPES)


def test_every_kind_of_problem_is_documented_with_its_status() -> None:
    assert first_cells("api.md", "urn:") == {problem_type(kind.slug) for kind in PROBLEM_CLASSES}
    text = (DOCS / "api.md").read_text()
    for kind in PROBLEM_CLASSES:
        assert f"| `{problem_type(kind.slug)}` | {kind.status} |" in text


def test_every_indicator_of_the_method_is_documented() -> None:
    method = yaml.safe_load((ROOT / "methods" / "cgr-2015.yaml").read_text())
    elements = [element for part in method["dimensions"] for element in part["elements"]]
    text = (DOCS / "method.md").read_text()
    for node in [*elements, *method["drivers"]]:
        for indicator in node["indicators"]:
            assert f"| `{indicator['code']}` | {indicator['name_en']} |" in text
            if marks := indicator.get("goalposts"):
                row = next(line for line in text.splitlines() if f"`{indicator['code']}`" in line)
                assert row.endswith(f"| {marks['min']} to {marks['max']} |")
        assert node["name_en"].removeprefix("Driver: ") in text


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    name = re.compile(r"[A-Za-z0-9_-]+")
    text = (DOCS / "decisions" / "0007-dependencies.md").read_text()
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in [each for group in groups for each in group]:
        found = name.match(requirement)
        assert found is not None
        assert f"`{found[0]}`" in text


def test_every_decision_is_listed() -> None:
    listed = (DOCS / "decisions" / "README.md").read_text()
    for decision in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        assert f"]({decision.name})" in listed
        assert decision.read_text().startswith(f"# {decision.name[:4]}. ")


def heading_of(line: str) -> str:
    """Return the anchor of a heading."""
    anchor = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
    return anchor.replace(" ", "-")


@pytest.mark.parametrize("page", tracked(".md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.is_relative_to(ROOT)
        assert file.exists(), target
        if anchor:
            lines = file.read_text().splitlines()
            assert anchor in {heading_of(line) for line in lines if line.startswith("#")}, target


def test_nothing_refers_to_a_machine_or_to_where_packages_came_from() -> None:
    # Written in parts, so that this file does not hold what it looks for.
    parts = [("..", "/shared"), ("/work", "/"), ("/opt", "/wheels"), ("--index", "-url")]
    parts += [
        ("extra-index", "-url"),
        ("files.python", "hosted.org"),
        ("/home", "/"),
        ("/Users", "/"),
    ]
    wanted = re.compile("|".join(re.escape("".join(part)) for part in parts))
    for file in tracked():
        if file.suffix in BINARY:
            continue
        found = wanted.search(file.read_text())
        assert found is None, f"{file.relative_to(ROOT)}: {found}"


def renamed_words() -> set[str]:
    """Return the old commands, settings, tables and functions that the changelog lists."""
    _, _, section = (ROOT / "CHANGELOG.md").read_text().partition("\n### Renamed\n")
    section, _, _ = section.partition("\n### ")
    words: set[str] = set()
    for part in re.split(r"^\*\*(?=[A-Z])", section, flags=re.MULTILINE):
        if part.startswith(("Commands", "Settings", "Tables", "Functions")):
            for cell in re.findall(r"^\| (`[^|]+) \|", part, re.MULTILINE):
                words.update(re.findall(r"`([^`]+)`", cell))
    return words


def test_renamed_words_appear_only_in_the_changelog() -> None:
    words = renamed_words()
    assert len(words) > 20
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(words)))})(?![\w-])")
    for file in tracked():
        if file.suffix in BINARY or file.name == "CHANGELOG.md" or "migrations" in file.parts:
            continue
        found = pattern.search(file.read_text())
        assert found is None, f"{file.relative_to(ROOT)}: {found}"


def test_the_glossary_is_short_and_sorted() -> None:
    _, _, section = (DOCS / "architecture.md").read_text().partition("\n## Glossary\n")
    terms = re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)[2:]
    assert 30 <= len(terms) <= 40
    assert terms == sorted(terms, key=str.lower)


def test_the_picture_of_the_page_is_small() -> None:
    assert (DOCS / "images" / "beranda.png").stat().st_size < 300_000


def test_the_example_sheet_can_be_sent_as_it_is_and_with_semicolons(
    server: Server, hub: Hub, tmp_path: Path
) -> None:
    sheet = DOCS / "examples" / "statistics.csv"
    other = tmp_path / "statistics.csv"
    other.write_text("\ufeff" + sheet.read_text().replace(",", ";"))
    key = hub.key("dukcapil", "usage:write")
    answers: list[str] = []
    with serving(create_app(hub.settings)) as address:
        for file in (sheet, other):
            sent = subprocess.run(
                [sys.executable, DOCS / "examples" / "send_csv.py", file, address],
                check=True,
                capture_output=True,
                env=surroundings(key=key),
                text=True,
                timeout=60,
            )
            answers.append(sent.stdout.strip())
    assert answers == [
        '{"added":7,"revised":0,"unchanged":0,"flags":[]}',
        '{"added":0,"revised":0,"unchanged":7,"flags":[]}',
    ]


def test_the_architecture_names_each_package_of_the_gateway_and_they_are_few() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("### Inside the gateway")[2].partition("### Inside the other")[0]
    folder = ROOT / "services" / "gateway"
    packages = {found.parent.name for found in folder.glob("*/__init__.py")}
    assert set(TABLE_CODE.findall(section)) == packages
    # Besides, the folder has `app.py`, its `__init__.py` and what Python compiles.
    assert len(packages) <= 17
