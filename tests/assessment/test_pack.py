"""The evidence of a pack: every fault is named with its place, and none that is not there."""

import shutil
from pathlib import Path

import pytest

from services.assessment.pack import read_evidence
from services.platform.packs import PackError
from tests.conftest import TOBA


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Copy the Toba pack, to put mistakes into it."""
    return Path(shutil.copytree(TOBA, tmp_path / "toba"))


def spoil(root: Path, kind: str, *, right: str, wrong: str) -> int:
    """Replace the first occurrence of a text by a mistake, and return its line number."""
    file = root / "evidence" / f"{kind}.yaml"
    content = file.read_text(encoding="utf-8")
    place = content.index(right)
    file.write_text(content.replace(right, wrong, 1), encoding="utf-8")
    return content.count("\n", 0, place) + 1


def faults_of(root: Path) -> list[str]:
    with pytest.raises(PackError) as caught:
        read_evidence(root)
    return [str(fault) for fault in caught.value.issues]


def test_a_stakeholder_of_an_agency_that_is_not_in_the_pack_is_named(root: Path) -> None:
    line = spoil(root, "stakeholders", right="agency: bappeda", wrong="agency: bapeda")
    [fault] = faults_of(root)
    assert fault.startswith(f"evidence/stakeholders.yaml:{line}: stakeholders[")
    assert fault.endswith("].agency: there is no agency 'bapeda' in this pack")


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [("decisions", "precision: year", "precision: yaer"), ("stakeholders", "sector:", "sectro:")],
)
def test_a_faulty_file_is_not_blamed_on_the_files_that_refer_to_it(
    root: Path, kind: str, right: str, wrong: str
) -> None:
    spoil(root, kind, right=right, wrong=wrong)
    assert {fault.split(":")[0] for fault in faults_of(root)} == {f"evidence/{kind}.yaml"}


def test_a_stakeholder_without_its_decision_is_named_where_no_decision_is_in_the_pack(
    root: Path,
) -> None:
    (root / "evidence" / "decisions.yaml").unlink()
    faults = faults_of(root)
    assert len(faults) == 16
    assert faults[0].endswith("there is no decision 'keputusan-724-2022' in this pack")
