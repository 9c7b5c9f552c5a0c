"""Evidence over HTTP, and its loading from a pack: versions, withdrawal, sources."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.assessment.pack import load_evidence, read_evidence
from services.platform.packs import PackError
from tests.conftest import Hub, Room
from tests.packs import write_yaml
from tests.rows import rows

API = "/api/v1"
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
LATER = datetime(2026, 4, 1, 9, tzinfo=UTC)
KINDS = {
    "stakeholders": 21,
    "meetings": 7,
    "agreements": 1,
    "decisions": 2,
    "programmes": 2,
    "risks": 0,
    "recognitions": 1,
    "observations": 17,
    "verdicts": 16,
}


def observation(key: str, **more: Any) -> dict[str, Any]:
    """Return a figure of 2024 as a pack writes it."""
    return {
        "key": key,
        "subject": "agencies_with_budget",
        "name": "Anggaran",
        "name_en": "Budget",
        "unit": "share",
        "value": 0.25,
        "attested_in": 2024,
        "sources": ["study"],
    } | more


def stakeholder(key: str, **more: Any) -> dict[str, Any]:
    return {
        "key": key,
        "name": key,
        "name_en": key,
        "sector": "private",
        "attested_in": 2024,
        "sources": ["study"],
    } | more


def meeting(key: str, **more: Any) -> dict[str, Any]:
    content = {"key": key, "name": key, "name_en": key, "held_on": "2024-08-01"}
    return content | {"sources": ["study"]} | more


def write(root: Path, **kinds: list[Any]) -> Path:
    """Return a pack with this evidence by kind, and two sources."""
    (root / "evidence").mkdir(exist_ok=True)
    sources = [
        {"id": name, "title": f"Sumber {name}", "kind": "study"} for name in ("law", "study")
    ]
    write_yaml(root / "sources.yaml", {"sources": sources})
    write_yaml(root / "agencies.yaml", {"agencies": []})
    for file in (root / "evidence").glob("*.yaml"):
        file.unlink()
    for kind, records in kinds.items():
        write_yaml(root / "evidence" / f"{kind.replace('_', '-')}.yaml", {kind: records})
    return root


def load(assessment: Room, root: Path, *, now: datetime = NOW) -> list[str]:
    pack = read_evidence(root)
    region = assessment.settings.region
    changes = assessment.store(lambda session: load_evidence(session, region, pack, now=now))
    return [str(change) for change in changes]


def faults_of(root: Path) -> list[str]:
    with pytest.raises(PackError) as raised:
        read_evidence(root)
    return [str(fault) for fault in raised.value.issues]


def items(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "number"), KINDS.items())
def test_every_kind_of_the_toba_pack_is_listed_by_key_and_each_record_found(
    toba_hub: Hub, kind: str, number: int
) -> None:
    found = items(toba_hub.client.get(f"{API}/{kind}"))
    keys = [one["content"]["key"] for one in found]
    assert len(keys) == number
    assert keys == sorted(keys)
    for one in found[:3]:
        assert toba_hub.client.get(one["href"]).json() == one
        assert toba_hub.client.get(f"{API}/{kind}/{one['id']}").json() == one
        cited = one["content"]["sources"]
        assert sorted(source["id"] for source in one["sources"]) == sorted(cited)


def test_pages_of_evidence_follow_each_other_to_the_end(toba_hub: Hub) -> None:
    whole = items(toba_hub.client.get(f"{API}/stakeholders?limit=100"))
    paged: list[dict[str, Any]] = []
    address: str | None = f"{API}/stakeholders?limit=5"
    while address is not None:
        page = toba_hub.client.get(address)
        paged += items(page)
        address = page.json()["next"]
        assert len(items(page)) == 5 or address is None
    assert paged == whole


def test_evidence_that_is_not_there_is_not_found(toba_hub: Hub) -> None:
    one = items(toba_hub.client.get(f"{API}/meetings"))[0]
    assert toba_hub.client.get(f"{API}/decisions/{one['id']}").status_code == 404
    assert toba_hub.client.get(f"{API}/meetings/{one['id']}?version=2").status_code == 404
    for wrong in ("meetings/7", "meetings?cursor=%00", "meetings?limit=0", "meetings?limit=101"):
        assert toba_hub.client.get(f"{API}/{wrong}").status_code == 422


@pytest.mark.slow
def test_sources_are_listed_paged_and_each_is_found(toba_hub: Hub) -> None:
    whole = items(toba_hub.client.get(f"{API}/sources?limit=100"))
    ids = [one["id"] for one in whole]
    assert "keputusan-724-2022" in ids
    assert ids == sorted(ids)
    first = toba_hub.client.get(f"{API}/sources?limit=2")
    second = toba_hub.client.get(first.json()["next"])
    assert items(first) + items(second) == whole[:4]
    for one in whole:
        assert toba_hub.client.get(one["href"]).json() == one
    assert toba_hub.client.get(f"{API}/sources/rumour").status_code == 404


def test_loading_twice_changes_nothing_the_second_time(assessment: Room, tmp_path: Path) -> None:
    root = write(tmp_path, observations=[observation("b"), observation("a")], stakeholders=[])
    assert load(assessment, root) == [
        "+ evidence source law",
        "+ evidence source study",
        "+ observations b",
        "+ observations a",
    ]
    before = items(assessment.get(f"{API}/observations"))
    assert load(assessment, root, now=LATER) == []
    assert items(assessment.get(f"{API}/observations")) == before
    assert [(one["content"]["key"], one["version"]) for one in before] == [("a", 1), ("b", 1)]


def test_a_change_is_a_version_and_the_earlier_one_stays_readable(
    assessment: Room, tmp_path: Path
) -> None:
    load(assessment, write(tmp_path, observations=[observation("a"), observation("b")]))
    first = items(assessment.get(f"{API}/observations"))
    changed = observation("a", value=0.5, sources=["law", "study"])
    root = write(tmp_path, observations=[changed, observation("b")])
    assert load(assessment, root, now=LATER) == ["~ observations a (sources, value)"]

    after = items(assessment.get(f"{API}/observations"))
    assert [(one["version"], one["content"]["value"]) for one in after] == [(2, 0.5), (1, 0.25)]
    assert after[0]["id"] == first[0]["id"]
    assert [source["id"] for source in after[0]["sources"]] == ["law", "study"]
    assert datetime.fromisoformat(after[0]["recorded_at"]) == LATER
    assert assessment.get(first[0]["href"]).json() == first[0]
    assert assessment.get(f"{API}/observations/{first[0]['id']}").json() == after[0]


def test_removal_withdraws_a_record_and_retains_its_content(
    assessment: Room, tmp_path: Path
) -> None:
    load(assessment, write(tmp_path, observations=[observation("a"), observation("b")]))
    gone = items(assessment.get(f"{API}/observations"))[0]
    root = write(tmp_path, observations=[observation("b")])
    assert load(assessment, root, now=LATER) == ["- observations a"]
    left = items(assessment.get(f"{API}/observations"))
    assert [one["content"]["key"] for one in left] == ["b"]
    newest = assessment.get(f"{API}/observations/{gone['id']}").json()
    assert (newest["version"], newest["content"], newest["sources"]) == (2, None, [])
    assert assessment.get(gone["href"]).json() == gone
    assert load(assessment, root) == []


def test_a_record_that_comes_back_can_be_read(assessment: Room, tmp_path: Path) -> None:
    root = tmp_path
    load(assessment, write(root, observations=[observation("a")]))
    load(assessment, write(root))
    assert load(assessment, write(root, observations=[observation("a")])) == ["+ observations a"]
    [one] = items(assessment.get(f"{API}/observations"))
    assert one["content"]["value"] == 0.25


def test_a_field_that_is_new_in_a_version_of_the_hub_changes_no_record_of_the_pack(
    assessment: Room, tmp_path: Path
) -> None:
    root = write(tmp_path, observations=[observation("a")], meetings=[meeting("m")])
    load(assessment, root)
    earlier = "content - '{known_absence, minutes_file, agenda}'::text[]"
    rows(assessment.settings, f"UPDATE assessment.evidence SET content = {earlier}")
    rows(assessment.settings, "UPDATE assessment.source SET content = content - 'note'")
    assert load(assessment, root) == []
    assert [each["version"] for each in items(assessment.get(f"{API}/meetings"))] == [1]


def test_a_source_that_the_pack_corrects_is_corrected(assessment: Room, tmp_path: Path) -> None:
    root = write(tmp_path, observations=[observation("a")])
    load(assessment, root)
    corrected = [{"id": "study", "title": "Judul lain", "kind": "study"}]
    write_yaml(root / "sources.yaml", {"sources": corrected})
    assert load(assessment, root) == ["~ evidence source study (title)", "- evidence source law"]
    [one] = items(assessment.get(f"{API}/observations"))
    assert [source["title"] for source in one["sources"]] == ["Judul lain"]


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"unit": "litres"}, ".unit", "Input should be 'share', 'level', 'count', '1', '%'"),
        ({"value": 1.5}, "", "a share lies between 0 and 1"),
        ({"value": -0.1}, "", "a share lies between 0 and 1"),
        ({"value": float("inf"), "unit": "count"}, ".value", "Input should be a finite number"),
        ({"value": float("nan"), "unit": "count"}, ".value", "Input should be"),
        ({"low": 0.1}, "", "give either value, or low and high"),
        ({"value": None}, "", "give either value, or low and high"),
        ({"value": None, "low": 0.1}, "", "a range needs low and high"),
        ({"value": None, "low": 0.5, "high": 0.4}, "", "a range needs low and high"),
        ({"known_absence": True}, "", "a known absence has the value 0"),
        ({"unit": None}, "", "a figure needs a unit"),
        ({"value": None, "statement": "Lemah."}, "", "a statement without a figure has no unit"),
        ({"value": None, "unit": None}, "", "a figure needs a unit"),
        ({"attested_in": None}, "", "either valid_from or attested_in is needed"),
        (
            {"valid_from": "2024-02-01", "valid_to": "2024-01-01"},
            "",
            "valid_to must not lie before valid_from",
        ),
        ({"valid_from": "2024-02-30"}, ".valid_from", "Input should be a valid date"),
        ({"sources": []}, ".sources", "List should have at least 1 item"),
        ({"sources": ["rumour"]}, ".sources[0]", "there is no source 'rumour' in this pack"),
        ({"subject": "Budget!"}, ".subject", "String should match pattern"),
        ({"colour": "red"}, ".colour", "Extra inputs are not permitted"),
    ],
)
def test_an_observation_that_cannot_be_is_named_with_its_line(
    tmp_path: Path, change: dict[str, Any], field: str, said: str
) -> None:
    root = write(tmp_path, observations=[observation("a"), observation("b", **change)])
    [fault] = faults_of(root)
    file, line, rest = fault.split(":", 2)
    lines = (root / "evidence" / "observations.yaml").read_text(encoding="utf-8").splitlines()
    assert file == "evidence/observations.yaml"
    assert int(line) >= 1 + lines.index("- key: b")
    assert rest.startswith(f" observations[1]{field}: {said}")


@pytest.mark.parametrize(
    ("kinds", "fault"),
    [
        (
            {"observations": [observation("a"), observation("a")]},
            "observations[1].key: 'a' is already defined in line 2",
        ),
        (
            {"stakeholders": [stakeholder("x", role_decision="d")]},
            "stakeholders[0].role_decision: there is no decision 'd' in this pack",
        ),
        (
            {"meetings": [meeting("m", led_by="x")]},
            "meetings[0].led_by: there is no stakeholder 'x' in this pack",
        ),
        (
            {"meetings": [meeting("m", attendance=[{"stakeholder": "x", "present": True}])]},
            "meetings[0].attendance[0].stakeholder: there is no stakeholder 'x' in this pack",
        ),
        (
            {
                "index_values": [
                    {"key": "i", "index": "moon", "year": 2024, "value": 1, "sources": ["law"]}
                ]
            },
            "index_values[0].index: there is no index 'moon' in this pack",
        ),
    ],
)
def test_a_reference_to_nothing_is_named(
    tmp_path: Path, kinds: dict[str, list[Any]], fault: str
) -> None:
    [found] = faults_of(write(tmp_path, **kinds))
    assert found.split(": ", 1)[1] == fault


def test_a_fault_in_one_kind_makes_none_in_those_that_point_at_it(tmp_path: Path) -> None:
    people = [stakeholder("x", sector="nobody"), stakeholder("y")]
    root = write(tmp_path, stakeholders=people, meetings=[meeting("m", led_by="y")])
    [fault] = faults_of(root)
    assert fault.startswith("evidence/stakeholders.yaml:")


@pytest.mark.parametrize("content", ["", "[]", "observations: 3", "others: []", "observations: ["])
def test_a_file_of_another_shape_is_a_fault_and_no_crash(tmp_path: Path, content: str) -> None:
    root = write(tmp_path, observations=[])
    (root / "evidence" / "observations.yaml").write_text(content, encoding="utf-8")
    assert faults_of(root)[0].startswith("evidence/observations.yaml:")


@pytest.mark.parametrize("content", ["", "[]", "sources: 3", "sources: [{id: x}]"])
def test_a_list_of_sources_of_another_shape_is_a_fault_and_no_crash(
    tmp_path: Path, content: str
) -> None:
    root = write(tmp_path, observations=[])
    (root / "sources.yaml").write_text(content, encoding="utf-8")
    assert faults_of(root)[0].startswith("sources.yaml:")
