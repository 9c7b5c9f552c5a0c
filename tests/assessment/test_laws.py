"""Hiding never pays: what is proven and possible when evidence is withdrawn or added.

A case is a world, all that is true of a regency's year; what is recorded of it; and what is left
after some of that is withdrawn or blanked. `EMALL_TEST_LAWS=10000` tries as many worlds.
"""

import os
import random
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.assessment.methods.definition import CollaborationMethod
from services.assessment.methods.library import read_methods
from services.assessment.methods.measure_definitions import Observed, SurveyMeasure, nested_measures
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.pipeline import ComputedScores, compute_scores
from services.assessment.scoring.registers import ENTRIES, count_entries
from services.assessment.scoring.uncertainty import RandomStreams
from services.assessment.types import SECTORS
from tests.assessment.evidence_builders import (
    PERIOD,
    agreement,
    facts,
    index_value,
    meeting,
    observation,
    record,
    report,
    stakeholder,
    survey,
    toba_items,
)
from tests.assessment.test_assess import CATALOG

WORLDS = int(os.environ.get("EMALL_TEST_LAWS", "40"))
SLACK = 1e-9
"""Sums of floating point may differ in their last bits."""

INSTRUMENTS = ("team", "smart_city_management", "e_mall", "data_sharing", "risk")
PROCEDURES = ("service_standard", "data_sharing", "incident", "complaint", "risk")
BLANK: dict[str, tuple[str, ...]] = {
    "stakeholders": ("role_decision", "filled"),
    "meetings": (
        *("problem_statement", "minutes", "discussion", "led_by"),
        *("sectors_present", "attendance", "action_items"),
    ),
    "agreements": ("renewed",),
    "programmes": ("running", "held", "dimension"),
    "risks": ("mitigation_under_way",),
}
"""Fields that may be withheld of a record."""


class World:
    """A regency's year, drawn at random: everything that is true of it."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.people = [f"s{n}" for n in range(rng.randint(0, 5))]
        self.sectors = {key: rng.choice(SECTORS) for key in self.people}
        self.items = [
            *map(self.stakeholder, self.people),
            *(self.meeting(n) for n in range(rng.randint(0, 4))),
            *(self.agreement(n) for n in range(rng.randint(0, 3))),
            *(self.decision(n) for n in range(rng.randint(0, 2))),
            *(self.programme(n) for n in range(rng.randint(0, 3))),
            *(self.risk(n) for n in range(rng.randint(0, 3))),
            *(self.recognition(n) for n in range(rng.randint(0, 2))),
            *self.observations(),
            *self.index_values(),
            *self.reports(),
        ]
        self.items += self.absences()
        self.items += self.declarations()

    def maybe(self, *values: Any) -> Any:
        return self.rng.choice((None, *values))

    def some(self, values: Sequence[Any]) -> list[Any]:
        return [value for value in values if self.rng.random() < 0.5]

    def stakeholder(self, key: str) -> Item:
        return stakeholder(
            key,
            self.sectors[key],
            leading=self.rng.random() < 0.5,
            filled=self.maybe(True, False),
            **self.recorded("role_decision", "d0"),
        )

    def recorded(self, field: str, value: Any) -> dict[str, Any]:
        """Return a field that is there, recorded as absent, or not recorded."""
        return self.rng.choice(({field: value}, {"absent_fields": [field]}, {}))

    def meeting(self, n: int) -> Item:
        attendance = [
            {
                "stakeholder": key,
                "invited": self.maybe(True, False),
                "present": self.rng.random() < 0.7,
                "spoke": self.maybe(True, False),
            }
            for key in self.some(self.people)
        ]
        came = [str(one["stakeholder"]) for one in attendance if one["present"]]
        sectors = sorted({self.sectors[key] for key in came})
        actions = [
            {"task": "x", "due": date(PERIOD, 6, 1), "done": self.maybe(True, False)}
            for _ in range(self.rng.randint(0, 2))
        ]
        return meeting(
            f"m{n}",
            date(PERIOD - (n == 3), 3, 1),
            minutes=self.maybe(True, False),
            discussion=self.maybe(True, False),
            led_by=self.maybe(*self.people),
            sectors_present=self.maybe(sectors),
            attendance=self.maybe(attendance),
            action_items=self.maybe(actions),
            **self.recorded("problem_statement", "x"),
        )

    def agreement(self, n: int) -> Item:
        parties = self.rng.sample(self.people, 2) if len(self.people) > 1 else ["x", "y"]
        ended = {"valid_to": date(PERIOD, 7, 1), "renewed": self.maybe(True, False)}
        return agreement(
            f"a{n}",
            parties,
            partner_sector=self.rng.choice(SECTORS),
            **(ended if self.rng.random() < 0.3 else {}),
        )

    def decision(self, n: int) -> Item:
        return record(
            "decisions",
            f"d{n}",
            name="d",
            name_en="d",
            number="1",
            valid_from=date(2022, 1, 1),
            instruments=self.some(INSTRUMENTS),
            procedures=self.some(PROCEDURES),
            names_lead_agency=self.rng.random() < 0.5,
            lead_reports_to_head=self.rng.random() < 0.5,
        )

    def programme(self, n: int) -> Item:
        return record(
            "programmes",
            f"p{n}",
            name="p",
            name_en="p",
            valid_from=date(2023, 1, 1),
            kind=self.rng.choice(("programme", "outreach", "training")),
            dimension=self.maybe("smart governance", "other"),
            running=self.maybe(True, False),
            held=self.maybe(True, False),
        )

    def risk(self, n: int) -> Item:
        under_way = self.maybe(True, False)
        return record(
            "risks",
            f"r{n}",
            name="r",
            name_en="r",
            valid_from=date(2023, 1, 1),
            mitigation_under_way=under_way,
        )

    def recognition(self, n: int) -> Item:
        given = date(PERIOD - n, 5, 1)
        names = {"name": "g", "name_en": "g", "given_by": "x"}
        return record("recognitions", f"g{n}", given_on=given, **names)

    def observations(self) -> list[Item]:
        """At most one of a subject and year: two that differ are not both true."""
        found: list[Item] = []
        for subject in sorted(OBSERVED):
            low = self.rng.random()
            ends = self.rng.choice(({"value": low}, {"low": low, "high": (1 + low) / 2}))
            key = subject.replace("_", "-")
            if self.rng.random() < 0.6:
                found.append(observation(key, subject, **ends))
            if self.rng.random() < 0.3:
                older = {"valid_from": date(2022, 1, 1), "attested_in": None}
                found.append(observation(f"{key}-2022", subject, value=self.rng.random(), **older))
        return found

    def index_values(self) -> list[Item]:
        years = self.some([2021, 2022, 2023, PERIOD])
        published = [index_value(year, 1 + 3 * self.rng.random()) for year in years]
        target = index_value(2026, 1 + 4 * self.rng.random(), role="target")
        return [*published, *self.some([target])]

    def reports(self) -> list[Item]:
        rng = self.rng
        agencies: list[dict[str, int]] = []
        for _ in range(rng.randint(1, 3)):
            on_time, late = rng.randint(0, 6), rng.randint(0, 6)
            agencies.append(
                {
                    "expected": 12,
                    "on_time": on_time,
                    "late": late,
                    "on_time_flagged": rng.randint(0, on_time),
                    "late_flagged": rng.randint(0, late),
                }
            )
        sums = {name: sum(agency[name] for agency in agencies) for name in agencies[0]}
        cells = [
            {"measure": "submitted", "channel": channel, "value": rng.randint(0, 9)}
            for channel in ("online", "counter")
        ]
        n = rng.randint(5, 60)
        hits = rng.randint(0, n)
        levels = {"1": n - hits, "4": hits}
        mode = rng.choice(({"enumerator": n}, {"page": n}))
        half = {"none": hits, "website": n - hits}
        online = {"yes": hits, "no": n - hits}
        awareness = {"knows_portals": half, "knows_service_online": online}
        codes = ("T1", "T2", "T3", "P1", "P2", "P3")
        items: dict[str, dict[str, int]] = dict.fromkeys(codes, levels)
        ikm = {"ikm": 80.0, "n": n, "standard_deviation": 9.0}
        return self.some(
            [
                report("reporting", "reporting", {**sums, "agencies": agencies}),
                report("usage", "channel", {"items": cells}),
                survey(REPORT_KEYS["awareness"], n, awareness, by_mode=mode),
                survey(REPORT_KEYS["stakeholders"], n, items, by_mode=mode),
                survey(REPORT_KEYS["skm"], n, {}, satisfaction=ikm, by_mode=mode),
                report(
                    "catalog",
                    "summary",
                    {
                        "services": 9,
                        "standard_share": rng.random(),
                        "digital_services": 9,
                        "digital_in_operation": rng.randint(0, 9),
                    },
                ),
            ]
        )

    def absences(self) -> list[Item]:
        """Return statements that required items are absent, of some that no decision has."""
        found: list[Item] = []
        for field, codes in (("instruments", INSTRUMENTS), ("procedures", PROCEDURES)):
            held = {code for item in self.items for code in item.content.get(field, ())}
            for code in self.some([code for code in codes if code not in held]):
                key = f"no-{field}-{code}".replace("_", "-")
                found.append(observation(key, f"{field}_{code}", value=0, known_absence=True))
        return found

    def declarations(self) -> list[Item]:
        whole = facts(*self.items)
        return [
            record(
                "declarations",
                f"{register}-{year}",
                register_name=register,
                year=year,
                entries=count_entries(register, whole, year),
            )
            for register in ENTRIES
            for year in (PERIOD - 1, PERIOD)
            if self.rng.random() < 0.6
        ]

    def withheld(self, item: Item) -> Item:
        """Return a record without one of its fields."""
        fields = [name for name in BLANK.get(item.kind, ()) if item.content[name] is not None]
        if not fields or self.rng.random() < 0.7:
            return item
        content = item.content | {self.rng.choice(fields): None}
        return item.model_copy(update={"content": content})


def method() -> CollaborationMethod:
    found = read_methods()["cgr-2015"]
    assert isinstance(found, CollaborationMethod)
    return found


def observed_subjects() -> set[str]:
    return {
        part.subject
        for indicator in method().indicators()
        for part in nested_measures(indicator.measure)
        if isinstance(part, Observed)
    }


# Two figures of one indicator, drawn independently, would contradict each other.
OBSERVED = observed_subjects() - {"villages_without_coverage"}
REPORT_KEYS = {
    part.survey: part.report_key
    for indicator in method().indicators()
    for part in nested_measures(indicator.measure)
    if isinstance(part, SurveyMeasure)
}
"""The results of each survey that the method reads, of the samples that count."""
SEEDS = st.integers(0, 2**48)


def computed(items: Sequence[Item]) -> ComputedScores:
    return compute_scores(method(), facts(*items), RandomStreams(1, 4))


def check_estimate(found: ComputedScores) -> None:
    for code, (low, high) in found.bounds.items():
        assert 0 <= low <= high + SLACK <= 100 + 2 * SLACK, code
        if code in found.values:
            assert low - SLACK <= found.values[code] <= high + SLACK, code


@pytest.mark.slow
@given(SEEDS)
@settings(max_examples=WORLDS, deadline=None)
def test_withdrawing_or_withholding_never_raises_proven_nor_lowers_possible(seed: int) -> None:
    world = World(random.Random(seed))
    share = world.rng.choice((0.6, 0.9, 1))
    recorded = [item for item in world.items if world.rng.random() < share]
    left = [world.withheld(item) for item in recorded if world.rng.random() < 0.85]
    before, after = computed(recorded), computed(left)
    check_estimate(before)
    check_estimate(after)
    for code, (low, high) in before.bounds.items():
        assert after.bounds[code][0] <= low + SLACK, code
        assert after.bounds[code][1] >= high - SLACK, code


@given(SEEDS)
@settings(max_examples=WORLDS, deadline=None)
def test_a_further_record_of_a_register_that_is_not_complete_never_lowers_possible(
    seed: int,
) -> None:
    world = World(random.Random(seed))
    registers = {"stakeholders", *BLANK, "decisions", "recognitions", "index-values", "reporting"}
    undeclared = [item for item in world.items if item.kind != "declarations"]
    recorded = [item for item in undeclared if world.rng.random() < 0.7]
    added = [item for item in undeclared if item not in recorded and item.kind in registers]
    before, after = computed(recorded), computed([*recorded, *added])
    for code, (_, high) in before.bounds.items():
        assert after.bounds[code][1] >= high - SLACK, code


def score(code: str, *items: Item) -> tuple[float, float | None, float]:
    """Return what is proven, estimated and possible of a node."""
    found = computed(items)
    low, high = found.bounds[code]
    return low, found.values.get(code), high


def declared(register: str, entries: int, year: int = PERIOD) -> Item:
    key = f"{register}-{year}"
    about = {"register_name": register, "year": year, "entries": entries}
    return record("declarations", key, **about)


def toba_index(items: Sequence[Item]) -> tuple[float, float | None, float]:
    return score("collaboration_dynamics", *items, CATALOG)


def test_the_memorandum_of_toba_withdrawn_raises_nothing_proven() -> None:
    items = toba_items()
    without = [item for item in items if item.kind != "agreements"]
    assert len(without) == len(items) - 1
    before, after = toba_index(items), toba_index(without)
    assert after[0] < before[0]
    assert after[2] >= before[2]
    assert score("commitment.agreements", *items)[:2] == (20, 20)
    assert score("commitment.agreements", *without) == (0, None, 100)


def test_a_meeting_without_a_list_withdrawn_proves_no_tie() -> None:
    people = [stakeholder(key) for key in "ab"]
    both = [{"stakeholder": key, "present": True} for key in "ab"]
    met = [meeting(key, attendance=both) for key in ("m1", "m2")]
    known = [*people, *met, declared("stakeholders", 2)]
    code = "interdependence.cooperation"
    assert score(code, *known, meeting("m3")) == (100, None, 100)
    assert score(code, *known) == (100, 100, 100), "whoever was listed met twice"


def test_a_year_of_which_nothing_is_recorded_has_no_index() -> None:
    year = Facts(period=2025, items=[*toba_items(), CATALOG])
    found = compute_scores(method(), year, RandomStreams(1, 4))
    assert "collaboration_dynamics" not in found.values
    low, high = found.bounds["collaboration_dynamics"]
    assert (low < 10, high > 85) == (True, True)


def reporting(on_time: int, late: int, flagged: int = 0) -> Item:
    months = {"expected": 12, "on_time": on_time, "late": late, "on_time_flagged": flagged}
    return report("reporting", "reporting", {**months, "agencies": [months]})


def test_reporting_late_or_for_the_first_time_is_never_worse_than_not_reporting() -> None:
    notices = declared("reporting", 1)
    for more in ((), (notices,)):
        silent = toba_index([*toba_items(), reporting(0, 0), *more])
        for sent in (reporting(0, 1), reporting(1, 0), reporting(0, 12)):
            found = toba_index([*toba_items(), sent, *more])
            assert found[0] >= silent[0]
            assert (found[1] or 0) >= (silent[1] or 0)
            assert found[2] >= silent[2]
    assert score("trust.reporting", reporting(0, 0)) == (0, None, 100)
    assert score("trust.reporting", reporting(3, 0)) == (25, None, 100)
    assert score("trust.reporting", reporting(3, 6), notices) == (25, 25, 25)
    assert score("trust.reporting", reporting(0, 0), notices) == (0, 0, 0)


def test_a_flag_lowers_what_is_proven_and_nothing_else() -> None:
    notices = declared("reporting", 1)
    assert score("trust.reporting", reporting(6, 0, flagged=3), notices) == (25, 50, 50)


def test_a_register_proves_absence_only_where_it_is_declared_complete_and_still_is() -> None:
    one = agreement("a", ["x", "y"])
    code = "commitment.agreements"
    assert score(code) == (0, None, 100)
    assert score(code, one) == (20, 20, 100)
    assert score(code, declared("agreements", 0)) == (0, 0, 0)
    assert score(code, one, declared("agreements", 1)) == (20, 20, 20)
    assert score(code, one, declared("agreements", 2)) == (20, 20, 100)
    assert score(code, one, declared("agreements", 1, PERIOD - 1)) == (20, 20, 100)


def test_a_share_of_rows_is_a_range_over_those_that_do_not_record_it() -> None:
    meetings = [meeting("a", problem_statement="x"), meeting("b")]
    absent = [
        meeting("a", problem_statement="x"),
        meeting("b", absent_fields=["problem_statement"]),
    ]
    code, complete = "definition.agenda", declared("meetings", 2)
    assert score(code, *meetings) == (0, 75, 100)
    assert score(code, *meetings, complete) == (50, 75, 100)
    assert score(code, *absent, complete) == (50, 50, 50)
    assert score(code, *absent) == (0, 50, 100)


def test_required_items_are_unrecorded_until_established_or_stated_to_be_absent() -> None:
    code = "arrangements.procedures"
    about = {"name": "d", "name_en": "d", "number": "1", "valid_from": date(2022, 1, 1)}
    decree = record("decisions", "d", **about)
    risk = observation("no-risk", "procedures_risk", value=0, known_absence=True)
    everything = observation("none", "procedures", value=0, known_absence=True)
    assert score(code, decree) == (0, None, 100)
    assert score(code, decree, risk) == (0, 0, 80)
    assert score(code, decree, everything) == (0, 0, 0)
    assert score(code, decree, declared("decisions", 1)) == (0, 0, 0)


def test_a_range_proves_its_low_end_and_an_older_observation_proves_nothing() -> None:
    ranged = observation("o", "agencies_taking_part", low=0.51, high=0.75)
    assert score("trust.agencies", ranged) == pytest.approx((51, 63, 75))
    older = {"valid_from": date(2022, 1, 1), "attested_in": None}
    assert score(
        "trust.agencies", observation("o", "agencies_taking_part", value=0.9, **older)
    ) == (
        0,
        90,
        100,
    )


def test_unknown_attendance_is_unknown() -> None:
    people = [stakeholder("a"), stakeholder("b")]
    shared = agreement("k", ["a", "b"])
    code = "interdependence.cooperation"
    assert score(code, *people, shared, meeting("m")) == (0, None, 100)
    came = meeting("m", attendance=[{"stakeholder": "a", "present": True}])
    assert score(code, *people, shared, came) == (0, 100, 100)
    assert score(code, *people, shared, came, declared("stakeholders", 2)) == (100, 100, 100)


def test_self_selected_answers_prove_nothing() -> None:
    known = {"knows_portals": {"none": 0, "website": 25}}
    drawn = survey(REPORT_KEYS["awareness"], 25, known, by_mode={"enumerator": 25})
    own = survey(REPORT_KEYS["awareness"], 25, known, by_mode={"page": 25})
    assert score("discovery.awareness", drawn)[0] > 80
    assert score("discovery.awareness", own) == (0, 100, 100)
