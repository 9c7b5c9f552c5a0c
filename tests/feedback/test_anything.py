"""Whatever is sent, the feedback service answers with a receipt or a problem and never crashes."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.feedback.pack import read_feedback
from services.feedback.surveys.definition import Survey
from services.platform.packs import PackError, PackIssue
from tests.conftest import Room, agency_caller
from tests.feedback.questions import EVERY_KIND, answers, survey
from tests.feedback.sending import SURVEYS, USAGE, event, load, statistic
from tests.packs import write_yaml

WORD = st.text("aZ0-_é/~ ", max_size=5)
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORD
    | st.sampled_from(["\x00", "\ud800", "2024-02-30", "9" * 50, "-0", "a/~b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=3),
    max_leaves=5,
)
FUZZ = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def places(document: Any) -> list[tuple[Any, ...]]:
    """Where something stands in a document, the whole of it first."""
    found: list[tuple[Any, ...]] = [()]
    if isinstance(document, dict):
        pairs: list[tuple[Any, Any]] = list(document.items())
    else:
        pairs = list(enumerate(document)) if isinstance(document, list) else []
    for key, value in pairs:
        found += [(key, *below) for below in places(value)]
    return found


def spoilt(document: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of this document with an odd value at one place."""

    def put(choice: tuple[tuple[Any, ...], Any]) -> Any:
        place, odd = choice
        copy = json.loads(json.dumps(document))
        if not place:
            return odd
        here = copy
        for part in place[:-1]:
            here = here[part]
        here[place[-1]] = odd
        return copy

    return st.tuples(st.sampled_from(places(document)), ODD).map(put)


BODIES: list[tuple[str, Any]] = [
    (f"{USAGE}/events", {"events": [event(agency="dukcapil", service="ktp", link="oss")]}),
    (f"{USAGE}/statistics", {"statistics": [statistic("dukcapil", reason="Salah ketik")]}),
    (
        f"{SURVEYS}/anything/responses",
        {"answered_on": "2024-05-14", "service": "ktp", "answers": answers(why=["signal"])},
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("path", "body"), BODIES)
@given(data=st.data())
@FUZZ
def test_a_body_with_something_odd_in_it_is_taken_or_refused_by_a_problem(
    office: Room, path: str, body: Any, data: st.DataObject
) -> None:
    if office.get(f"{SURVEYS}/anything").status_code == 404:
        load(office, survey("anything"), obligations=[("dukcapil", "ktp")])
    sent = json.dumps(data.draw(spoilt(body)))  # odd text as escapes, as the wire may carry it
    header = office.token(agency_caller("dukcapil", "usage:write"))
    header["Content-Type"] = "application/json"
    answer = office.client.post(path, content=sent, headers=header)
    assert answer.status_code < 500, (sent, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["errors"], (sent, answer.text)
        for error in answer.json()["errors"]:
            assert error["pointer"].startswith("#")


SURVEY = {
    "slug": "own",
    "kind": "own",
    "title": "Survei",
    "title_en": "Survey",
    "introduction": "",
    "introduction_en": "",
    "questions": list(EVERY_KIND[:2]),
    "sources": ["study"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a pack whose survey each example overwrites."""
    root = tmp_path_factory.mktemp("pack")
    (root / "surveys").mkdir()
    source = {"id": "study", "title": "Kajian", "kind": "study"}
    write_yaml(root / "sources.yaml", {"sources": [source]})
    return root


@given(content=spoilt(SURVEY))
@FUZZ
def test_a_survey_with_something_odd_in_it_is_read_or_its_fault_named(
    folder: Path, content: Any
) -> None:
    text = json.dumps(content)  # JSON is YAML
    (folder / "surveys" / "own.yaml").write_text(text, encoding="utf-8")
    faults, surveys = read(folder)
    assert all(fault.file == "surveys/own.yaml" and fault.message for fault in faults)
    assert len(surveys) == (0 if faults else 1)


def read(folder: Path) -> tuple[list[PackIssue], tuple[Survey, ...]]:
    """Return the issues of a pack, or its surveys."""
    try:
        return [], read_feedback(folder).surveys
    except PackError as error:
        return list(error.issues), ()
