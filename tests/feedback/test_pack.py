"""Surveys of a pack: read with exact faults, loaded once, versioned when they change."""

from pathlib import Path
from typing import Any

import pytest

from services.feedback.pack import read_feedback
from services.feedback.surveys.skm import ELEMENTS
from services.platform.packs import PackError
from services.platform.settings import ROOT
from tests.conftest import Room
from tests.feedback.questions import EVERY_KIND, question, scale, skm_survey, survey
from tests.feedback.sending import SURVEYS, load
from tests.packs import write_yaml


def write(root: Path, *surveys: dict[str, Any]) -> Path:
    """Return a pack of these surveys, each in a file of its own, and one source."""
    (root / "surveys").mkdir(exist_ok=True)
    source = {"id": "study", "title": "Kajian", "kind": "study"}
    write_yaml(root / "sources.yaml", {"sources": [source]})
    for number, content in enumerate(surveys, start=1):
        write_yaml(root / "surveys" / f"{number}.yaml", content)
    return root


def written(*questions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "slug": "own",
        "kind": "own",
        "title": "Survei",
        "title_en": "Survey",
        "introduction": "",
        "introduction_en": "",
        "questions": list(questions or EVERY_KIND),
        "sources": ["study"],
    } | more


def faults_of(root: Path) -> list[str]:
    with pytest.raises(PackError) as raised:
        read_feedback(root)
    return [str(fault) for fault in raised.value.issues]


def line_with(file: Path, part: str) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if part in line)


def test_a_good_survey_is_read(tmp_path: Path) -> None:
    [found] = read_feedback(write(tmp_path, written())).surveys
    assert [one.code for one in found.questions] == ["used", "knows", "liked", "why", "again"]


@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        (question("q", "single", "a"), "questions[0]", "single needs at least two options"),
        (question("q", "multiple", "a"), "questions[0]", "multiple needs at least two options"),
        (
            question("q", "scale4", "a", "b", "c"),
            "questions[0]",
            "scale4 needs four options, the texts of the levels 1, 2, 3 and 4",
        ),
        (
            question("q", "single", "a", "a"),
            "questions[0]",
            "the codes of the options must be unique",
        ),
        (
            question("q", "essay", "a", "b"),
            "questions[0].kind",
            "must be one of single, multiple, scale4, number",
        ),
        (scale("7"), "questions[0].code", "String should match pattern"),
        (scale("q", text=""), "questions[0].text", "String should have at least 1 character"),
        (scale("q", weight=2), "questions[0].weight", "Extra inputs are not permitted"),
    ],
)
def test_a_question_that_cannot_be_asked_is_named_with_its_line(
    tmp_path: Path, asked: dict[str, Any], field: str, said: str
) -> None:
    root = write(tmp_path, written(asked))
    [fault] = faults_of(root)
    place, line, rest = fault.split(":", 2)
    assert place == "surveys/1.yaml"
    assert int(line) >= line_with(root / "surveys" / "1.yaml", "code:")
    assert rest.startswith(f" {field}: {said}")


def test_two_questions_of_one_code_are_a_fault(tmp_path: Path) -> None:
    [fault] = faults_of(write(tmp_path, written(scale("q"), scale("q"))))
    assert fault.endswith("the codes of the questions must be unique")


def test_a_satisfaction_survey_needs_all_nine_elements_as_levels(tmp_path: Path) -> None:
    asked = [scale(code) for code in ELEMENTS[:7]] + [question("U8", "single", "a", "b")]
    [fault] = faults_of(write(tmp_path, written(*asked, kind="skm")))
    assert fault.endswith("skm needs questions of kind scale4 for U8, U9")


def test_an_unknown_source_is_named(tmp_path: Path) -> None:
    [fault] = faults_of(write(tmp_path, written(sources=["study", "rumour"])))
    assert fault.endswith("sources[1]: there is no source 'rumour' in this pack")


def test_two_surveys_of_one_slug_are_a_fault_of_the_second(tmp_path: Path) -> None:
    assert faults_of(write(tmp_path, written(), written())) == [
        "surveys/2.yaml:1: slug: another file has 'own'"
    ]


def test_all_issues_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    root = write(tmp_path, written(title=""), written(slug="b", sources=["x"]), written(slug="C"))
    assert [fault.split(":")[0] for fault in faults_of(root)] == [
        "surveys/1.yaml",
        "surveys/2.yaml",
        "surveys/3.yaml",
    ]


@pytest.mark.parametrize("content", ["", "[]", "slug: [", "- a\n- b\n", "slug: own\nslug: own\n"])
def test_a_file_of_another_shape_is_a_fault_and_no_crash(tmp_path: Path, content: str) -> None:
    root = write(tmp_path, written())
    (root / "surveys" / "1.yaml").write_text(content, encoding="utf-8")
    assert faults_of(root)[0].startswith("surveys/1.yaml:")


def test_the_pack_of_toba_asks_about_awareness_and_satisfaction() -> None:
    found = read_feedback(ROOT / "packs" / "toba").surveys
    assert [(one.slug, one.kind) for one in found] == [
        ("awareness", "awareness"),
        ("penilaian", "own"),
        ("skm", "skm"),
        ("stakeholders", "stakeholder"),
    ]


def changes(
    office: Room, *surveys: Any, obligations: tuple[tuple[str, str], ...] = ()
) -> list[str]:
    return [str(change) for change in load(office, *surveys, obligations=obligations)]


def test_loading_twice_changes_nothing_the_second_time(office: Room) -> None:
    pairs = (("disdik", "ijazah"), ("dukcapil", "ktp"))
    load(office)
    assert changes(office, survey("one"), skm_survey("two"), obligations=pairs) == [
        "+ survey one",
        "+ survey two",
        "+ reporting obligation disdik/ijazah",
        "+ reporting obligation dukcapil/ktp",
    ]
    assert changes(office, survey("one"), skm_survey("two"), obligations=pairs) == []
    assert office.get(f"{SURVEYS}/one").json()["version"] == 1


def test_a_changed_survey_is_its_next_version_and_reported_with_its_fields(office: Room) -> None:
    load(office, survey("changing"), survey("staying"))
    after = survey("changing", title="Lain", title_en="Other")
    assert changes(office, after, survey("staying")) == ["~ survey changing (title, title_en)"]
    assert office.get(f"{SURVEYS}/changing").json()["version"] == 2
    assert office.get(f"{SURVEYS}/staying").json()["version"] == 1
    assert office.get(f"{SURVEYS}/changing").json()["survey"]["title_en"] == "Other"


def test_a_survey_that_is_left_out_is_retired_and_comes_back_as_a_further_version(
    office: Room,
) -> None:
    load(office, survey("coming-and-going"))
    assert changes(office) == ["- survey coming-and-going"]
    assert changes(office) == []
    assert changes(office, survey("coming-and-going")) == ["+ survey coming-and-going"]
    assert office.get(f"{SURVEYS}/coming-and-going").json()["version"] == 2


def test_what_is_reported_on_follows_the_pack(office: Room) -> None:
    load(office, obligations=[("dukcapil", "ktp"), ("dukcapil", "akta")])
    assert changes(office, obligations=(("dukcapil", "akta"), ("pupr", "pbg"))) == [
        "+ reporting obligation pupr/pbg",
        "- reporting obligation dukcapil/ktp",
    ]
    assert changes(office, obligations=(("dukcapil", "akta"), ("pupr", "pbg"))) == []
