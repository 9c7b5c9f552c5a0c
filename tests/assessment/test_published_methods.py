"""Methods that agencies publish over the API and that come with a pack: versions for good."""

import copy
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.assessment.methods.library import METHODS
from services.assessment.pack import load_evidence, read_evidence
from services.platform.packs import PackError
from tests.conftest import TOBA, Room, agency_caller, confirmation_path

API = "/api/v1"
URL = f"{API}/methods"
EVALUATOR = agency_caller("bappeda", "metrics:draft")
OTHER = agency_caller("diskominfo", "metrics:draft")
ADMINISTRATOR = agency_caller("diskominfo", "admin")


def named(code: str) -> dict[str, str]:
    return {"code": code, "name": code, "name_en": code}


def method(method_id: str = "access", *, version: int = 1, most: float = 1) -> dict[str, Any]:
    """Return a small method of one indicator."""
    indicator = {
        **named("access.villages"),
        "goalposts": {"min": 0, "max": most},
        "measure": {"kind": "observed", "subject": "villages_connected"},
    }
    return {
        **{"id": method_id, "version": version, "kind": "collaboration", "sources": ["a law"]},
        **{"name": "Akses", "name_en": "Access", "description": "", "description_en": ""},
        "index": named("index"),
        "dimensions": [
            {**named("reach"), "elements": [{**named("access"), "indicators": [indicator]}]}
        ],
    }


def test_a_method_is_published_listed_and_read_back(assessment: Room) -> None:
    answer = assessment.post(URL, method(), caller=EVALUATOR)
    assert answer.status_code == 201, answer.text
    published = answer.json()
    assert answer.headers["Location"] == f"{URL}/access/versions/1"
    assert (published["origin"], published["published_by"]) == ("api", "bappeda")
    assert (published["is_new"], published["dry_run"]) == (True, False)
    assert published["published_at"].endswith("Z")
    listed = assessment.get(URL).json()["items"]
    assert [item["id"] for item in listed] == sorted(item["id"] for item in listed)
    assert {"access", "cgr-2015"} < {item["id"] for item in listed}
    read = assessment.get(f"{URL}/access").json()
    assert read["hash"] == published["hash"]
    assert read["definition"]["dimensions"][0]["elements"][0]["code"] == "access"
    assert assessment.get(f"{URL}/access/versions/1").json() == read


def test_a_page_of_methods_leads_to_the_next(assessment: Room) -> None:
    for method_id in ("access", "zeal"):
        assert assessment.post(URL, method(method_id), caller=EVALUATOR).status_code == 201
    found: list[str] = []
    address: str | None = f"{URL}?limit=2"
    while address is not None:
        page = assessment.get(address).json()
        found += [item["id"] for item in page["items"]]
        address = page["next"]
    assert found == ["access", "cgr-2015", "pemdi-2026", "skm-2017", "spbe-2020", "zeal"]


def test_a_dry_run_says_what_would_be_published_and_stores_nothing(assessment: Room) -> None:
    answer = assessment.post(f"{URL}?dry_run=true", method(), caller=EVALUATOR)
    assert (answer.status_code, answer.json()["is_new"]) == (200, True)
    assert assessment.get(f"{URL}/access").status_code == 404
    stored = assessment.post(URL, method(), caller=EVALUATOR).json()
    assert stored["hash"] == answer.json()["hash"]


def test_a_published_version_never_changes_and_a_higher_one_stands_beside_it(
    assessment: Room,
) -> None:
    first = assessment.post(URL, method(), caller=EVALUATOR).json()
    again = assessment.post(URL, method(), caller=EVALUATOR)
    assert (again.status_code, again.json()["is_new"]) == (200, False)
    assert again.json()["published_at"] == first["published_at"]
    for dry_run in ("", "?dry_run=true"):
        other = assessment.post(f"{URL}{dry_run}", method(most=2), caller=EVALUATOR)
        assert other.status_code == 409
        [fault] = other.json()["errors"]
        assert fault["pointer"] == "#/version"
        assert fault["detail"] == "1 was published with other content; raise it"
    third = assessment.post(URL, method(version=3, most=2), caller=EVALUATOR)
    assert third.status_code == 201
    late = assessment.post(URL, method(version=2), caller=EVALUATOR)
    assert (late.status_code, late.json()["errors"][0]["detail"]) == (
        409,
        "must be above 3, the newest published one",
    )
    versions = assessment.get(f"{URL}/access/versions").json()["items"]
    assert [item["version"] for item in versions] == [3, 1]
    first_page = assessment.get(f"{URL}/access/versions?limit=1").json()
    assert [item["version"] for item in first_page["items"]] == [3]
    last_page = assessment.get(first_page["next"]).json()
    assert ([item["version"] for item in last_page["items"]], last_page["next"]) == ([1], None)
    assert assessment.get(f"{URL}/access").json()["version"] == 3
    assert assessment.get(f"{URL}/access/versions/1").json()["hash"] == first["hash"]
    assert assessment.get(f"{URL}/access/versions/2").status_code == 404
    assert assessment.get(f"{URL}/nothing/versions").status_code == 404


def test_an_id_belongs_to_its_first_publisher_and_the_administrator(assessment: Room) -> None:
    assert assessment.post(URL, method(), caller=EVALUATOR).status_code == 201
    taken = assessment.post(URL, method(version=2), caller=OTHER)
    assert (taken.status_code, taken.json()["errors"][0]["pointer"]) == (409, "#/id")
    own = assessment.post(URL, method("cgr-2015", version=9), caller=ADMINISTRATOR)
    assert (own.status_code, own.json()["errors"][0]["pointer"]) == (409, "#/id")
    assert assessment.post(URL, method(version=2), caller=ADMINISTRATOR).status_code == 201


def test_publishing_needs_the_scope_of_an_evaluator(assessment: Room) -> None:
    assert assessment.post(URL, method()).status_code == 401
    collector = agency_caller("bappeda", "evidence:write")
    assert assessment.post(URL, method(), caller=collector).status_code == 403


def spoilt(*path: str | int, value: Any) -> dict[str, Any]:
    """Return the method with one value replaced, or removed if it is None."""
    document = copy.deepcopy(method())
    place: Any = document
    for part in path[:-1]:
        place = place[part]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


INDICATOR = ("dimensions", 0, "elements", 0, "indicators", 0)


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        (spoilt("version", value=0), "#/version"),
        (spoilt("version", value=2**31), "#/version"),
        (spoilt("version", value=10**30), "#/version"),
        (spoilt("version", value=True), "#/version"),
        (spoilt("kind", value="opinion"), "#"),
        (spoilt("sources", value=None), "#/sources"),
        (spoilt("index", "code", value="Index!"), "#/index/code"),
        (
            spoilt(*INDICATOR, "goalposts", value={"min": 1, "max": 1}),
            "#/dimensions/0/elements/0/indicators/0/goalposts",
        ),
        (
            spoilt(*INDICATOR, "measure", value={"kind": "tally"}),
            "#/dimensions/0/elements/0/indicators/0/measure",
        ),
        (spoilt(*INDICATOR, "code", value="elsewhere.villages"), "#"),
        ([], "#"),
        ("access", "#"),
        (None, "#"),
    ],
)
def test_a_wrong_field_is_named(shared_assessment: Room, document: Any, pointer: str) -> None:
    answer = shared_assessment.post(URL, document, caller=EVALUATOR)
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert pointer in [fault["pointer"] for fault in answer.json()["errors"]]


def nested(depth: int) -> dict[str, Any]:
    measure: dict[str, Any] = {"kind": "observed", "subject": "villages_connected"}
    for _ in range(depth):
        measure = {"kind": "complement", "measure": measure}
    return measure


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            spoilt(
                *INDICATOR[:-1],
                value=[{**named(f"access.v{n}"), "measure": nested(0)} for n in range(101)],
            ),
            "has 101 parts of one node; a method may have at most 100",
        ),
        (
            spoilt(
                *INDICATOR,
                "measure",
                value={"kind": "mean_of", "measures": [nested(2)] * 400},
            ),
            "has 1201 measures, with those nested in others; a method may have at most 1000",
        ),
        (
            spoilt(*INDICATOR, "normalisation", value={"kind": "rank", "among": list(range(5001))}),
            "has 5001 values of groups of percentile ranks; a method may have at most 5000",
        ),
        (
            spoilt(
                *INDICATOR,
                "measure",
                value={
                    "kind": "first_of",
                    "measures": [
                        {"kind": "satisfaction", "survey": f"survey-{n}"} for n in range(21)
                    ],
                },
            ),
            "has 21 surveys; a method may have at most 20",
        ),
    ],
)
def test_a_method_that_is_too_much_work_is_refused(
    shared_assessment: Room, document: Any, message: str
) -> None:
    answer = shared_assessment.post(URL, document, caller=EVALUATOR)
    assert answer.status_code == 422
    assert [fault["detail"] for fault in answer.json()["errors"]] == [message]


@pytest.mark.parametrize("depth", [300, 3000])
def test_measures_nested_without_end_are_refused(assessment: Room, depth: int) -> None:
    inner = '{"kind": "complement", "measure": ' * depth + "1" + "}" * depth
    body = json.dumps(spoilt(*INDICATOR, "measure", value="MEASURE"))
    answer = assessment.client.post(
        URL,
        content=body.replace('"MEASURE"', inner),
        headers=assessment.token(EVALUATOR) | {"Content-Type": "application/json"},
    )
    assert 400 <= answer.status_code < 500, answer.text


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Copy the Toba pack and give it a method."""
    root = Path(shutil.copytree(TOBA, tmp_path / "toba"))
    (root / "methods").mkdir(exist_ok=True)
    write(root, method())
    return root


def write(root: Path, document: dict[str, Any], name: str = "access") -> None:
    file = root / "methods" / f"{name}.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def load(service: Room, root: Path) -> list[str]:
    """Load the evidence and methods of a pack; return the changes of methods."""
    region, pack = service.settings.region, read_evidence(root)
    changes = service.store(
        lambda session: load_evidence(session, region, pack, now=datetime.now(UTC))
    )
    return [str(change) for change in changes if change.kind == "method"]


def test_a_pack_brings_methods_and_keeps_published_versions(assessment: Room, pack: Path) -> None:
    assert load(assessment, pack) == ["+ method access version 1"]
    assert load(assessment, pack) == []
    stored = assessment.get(f"{URL}/access").json()
    assert (stored["origin"], stored["published_by"]) == ("pack", "pack")
    write(pack, method(most=2))
    with pytest.raises(PackError) as refused:
        load(assessment, pack)
    [issue] = refused.value.issues
    assert str(issue) == (
        "methods/access.yaml:2: version: 1 was published with other content; raise it"
    )
    write(pack, method(version=2, most=2))
    assert load(assessment, pack) == ["+ method access version 2"]
    (pack / "methods" / "access.yaml").unlink()
    assert load(assessment, pack) == []
    assert assessment.get(f"{URL}/access").json()["version"] == 2


def test_a_wrong_method_of_a_pack_is_named_with_its_line(pack: Path) -> None:
    write(pack, spoilt("version", value=0))
    write(pack, method("cgr-2015"), "cgr-2015")
    write(pack, method("other"), "another")
    with pytest.raises(PackError) as refused:
        read_evidence(pack)
    assert [str(issue) for issue in refused.value.issues] == [
        "methods/access.yaml:2: version: Input should be greater than or equal to 1 (found 0)",
        "methods/another.yaml:1: id: must be 'another', as the file is named",
        "methods/cgr-2015.yaml:1: id: is a method of emall itself; choose another id",
    ]


def test_a_published_method_assesses_a_year_and_its_values_are_recorded(regency: Room) -> None:
    evaluator = agency_caller("diskominfo", "metrics:draft")
    spbe = yaml.safe_load((METHODS / "spbe-2020.yaml").read_text(encoding="utf-8"))
    levels = json.loads(json.dumps(spbe, default=str)) | {"id": "spbe-regional"}
    for document in (method(), levels):
        assert regency.post(URL, document, caller=evaluator).status_code == 201
    value = {
        **{"key": "spbe-regional-2024", "sources": ["tesis-2024"], "index": "spbe-regional"},
        **{"year": 2024, "value": 2.5},
        "document": {"name": "x", "url": "https://example.go.id/x", "sha256": "0" * 64},
    }
    value["sources"] = ["study-2025"]
    recorded = regency.post(f"{API}/index-values", value, caller=ADMINISTRATOR)
    assert recorded.status_code == 201, recorded.text
    confirmer = agency_caller("bappeda", "evidence:confirm")
    assert regency.post(confirmation_path(recorded), None, caller=confirmer).status_code == 200
    index = regency.get(f"{API}/indices/spbe-regional").json()
    assert [one["value"] for one in index["values"]] == [2.5]
    # What an agency published is computed for whoever asks, and is on no list of the hub.
    listed = regency.get(f"{API}/indices").json()["items"]
    assert "spbe-regional" not in {one["id"] for one in listed}
    live = regency.get(f"{API}/metrics/collaboration-dynamics?period=2024&method=access&draws=200")
    assert live.status_code == 200, live.text
    assert live.json()["scores"]["index"]["reason"] is not None
    assert live.json()["method"]["version"] == 1
