"""What each measure counts, and when it says that nothing is known."""

import json
import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from scipy import stats

from services.assessment.methods.definition import METHOD, CollaborationMethod
from services.assessment.methods.library import read_methods
from services.assessment.methods.measure_definitions import Measure
from services.assessment.scoring.assess import assess
from services.assessment.scoring.measure_evaluation import evaluate_measure
from services.assessment.scoring.measurement import Measurement, Missing
from services.assessment.scoring.observations import contradictions
from services.assessment.scoring.scores import IndicatorScore
from services.assessment.scoring.uncertainty import RandomStreams, central_interval
from tests.assessment.evidence_builders import (
    agreement,
    facts,
    index_value,
    meeting,
    observation,
    record,
    report,
    stakeholder,
    stated_ties,
    survey,
)

ADAPTER: TypeAdapter[Any] = TypeAdapter(Measure)


def measured(definition: dict[str, Any], *items: Any, **missing: str) -> Measurement:
    outcome = evaluate_measure(ADAPTER.validate_python(definition), facts(*items, **missing))
    assert isinstance(outcome, Measurement), outcome
    return outcome


def unknown(definition: dict[str, Any], *items: Any, **missing: str) -> str:
    outcome = evaluate_measure(ADAPTER.validate_python(definition), facts(*items, **missing))
    assert isinstance(outcome, Missing), outcome
    return outcome.reason


MEETINGS = {"kind": "count", "of": "meetings"}
AGENDA = {"kind": "share", "of": "meetings", "that": {"problem_statement": "recorded"}}
LED = {"kind": "share", "of": "meetings", "that": {"led_by_leading_post": True}}


def test_a_count_takes_only_what_belongs_to_the_year() -> None:
    reading = measured(
        MEETINGS, meeting("a"), meeting("b"), meeting("old", held_on=date(2023, 12, 31))
    )
    assert reading.value == 2
    assert [item.key for item in reading.evidence] == ["a", "b"]
    assert reading.interval is None


def test_no_meeting_on_record_is_unknown_and_not_zero() -> None:
    assert unknown(MEETINGS) == "no meeting in the year is recorded"


def test_a_share_excludes_rows_without_a_value() -> None:
    leader = stakeholder("head", leading=True)
    reading = measured(
        LED,
        leader,
        meeting("a", led_by="head"),
        meeting("b", led_by="someone"),
        meeting("c"),
    )
    assert (reading.value, reading.inputs) == (0.5, {"numerator": 1, "n": 2})
    assert "led_by_leading_post is not recorded" in unknown(LED, leader, meeting("c"))


def test_what_has_to_be_on_record_counts_against_the_share_where_it_is_not() -> None:
    reading = measured(AGENDA, meeting("a", problem_statement="roads"), meeting("b"))
    assert reading.value == 0.5


def test_required_instruments_are_those_of_decisions_in_force() -> None:
    definition = {"kind": "required", "field": "instruments", "required": ["team", "risk", "x"]}
    decision = {"name": "d", "name_en": "d", "number": "1/2022", "instruments": ["team"]}
    over = record(
        "decisions",
        "over",
        **decision | {"instruments": ["risk"]},
        valid_from="2020-01-01",
        valid_to="2024-06-30",
    )
    in_force = record("decisions", "in-force", **decision, valid_from="2022-01-01")
    assert measured(definition, over, in_force).value == pytest.approx(1 / 3)
    assert unknown(definition, over) == "no decision in force is recorded"


def test_a_range_stays_a_range_with_its_middle_as_value() -> None:
    reading = measured(
        {"kind": "observed", "subject": "agencies"},
        observation("o", "agencies", low=0.51, high=0.75),
    )
    assert (reading.value, reading.low, reading.high) == (pytest.approx(0.63), 0.51, 0.75)
    assert reading.interval == "range"
    draws = reading.draw(RandomStreams(1, 10_000))
    assert 0.51 <= draws.min() < draws.max() <= 0.75


def test_known_absence_is_a_zero_that_was_seen() -> None:
    zero = observation("o", "risk", value=0, known_absence=True)
    reading = measured({"kind": "observed", "subject": "risk"}, zero)
    assert (reading.value, reading.interval) == (0, None)


def test_a_statement_in_words_gives_no_figure_and_hides_none() -> None:
    words = observation("b", "s", unit=None, statement="Lemah.", valid_from="2024-12-01")
    measure = {"kind": "observed", "subject": "s"}
    assert unknown(measure, words) == "nothing is recorded about s"
    assert measured(measure, observation("a", "s", value=0.2), words).value == 0.2


def test_the_newest_observation_counts() -> None:
    old = observation("a-old", "s", value=0.9, valid_from="2020-01-01", attested_in=None)
    new = observation("b-new", "s", value=0.2, valid_from="2024-03-01", attested_in=None)
    assert measured({"kind": "observed", "subject": "s"}, new, old).value == 0.2


RANGED = {"kind": "observed", "subject": "s", "contradictions": "range"}


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"valid_from": "2024-03-01"}, {"valid_from": "2024-03-02"}),
        ({"valid_from": "2024-03-01", "precision": "month"}, {"valid_from": "2024-04-01"}),
        ({"valid_from": "2023-03-01", "precision": "year"}, {"attested_in": 2024}),
        ({"valid_from": "2020-01-01"}, {"valid_from": "2024-01-01", "precision": "month"}),
    ],
)
@pytest.mark.parametrize("keys", [("a", "b"), ("b", "a")])
def test_the_newest_observation_counts_whatever_its_key(
    keys: tuple[str, str], older: dict[str, Any], newer: dict[str, Any]
) -> None:
    dates: dict[str, Any] = {"attested_in": None}
    old = observation(keys[0], "s", value=0.9, **dates | older)
    new = observation(keys[1], "s", value=0.2, **dates | newer)
    reading = measured(RANGED, old, new)
    assert (reading.value, [item.key for item in reading.evidence]) == (0.2, [keys[1]])
    assert contradictions(ADAPTER.validate_python(RANGED), facts(old, new)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"attested_in": 2024}, {"attested_in": 2024}),
        ({"attested_in": 2024}, {"valid_from": "2024-06-30"}),
        ({"valid_from": "2024-06-01", "precision": "month"}, {"valid_from": "2024-06-30"}),
        ({"valid_from": "2024-06-30"}, {"valid_from": "2024-06-30"}),
    ],
)
def test_observations_of_one_time_that_differ_are_a_range_with_a_notice(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    dates: dict[str, Any] = {"attested_in": None}
    low = observation("z", "s", value=0.2, **dates | one)
    high = observation("a", "s", low=0.5, high=0.9, **dates | other)
    reading = measured(RANGED, low, high)
    assert (reading.low, reading.high, reading.interval) == (0.2, 0.9, "range")
    assert [item.key for item in reading.evidence] == ["a", "z"]
    assert contradictions(ADAPTER.validate_python(RANGED), facts(low, high)) == [
        "the newest observations of s contradict each other (a, z): they count as a range from 0.2 "
        "to 0.9"
    ]


def test_observations_of_one_time_that_agree_are_one() -> None:
    same = [observation(key, "s", value=0.4) for key in "ab"]
    reading = measured(RANGED, *same)
    assert (reading.value, reading.interval, len(reading.evidence)) == (0.4, None, 2)
    assert contradictions(ADAPTER.validate_python(RANGED), facts(*same)) == []


def test_a_contradiction_is_a_notice_of_each_indicator_that_reads_it() -> None:
    method = read_methods()["cgr-2015"]
    assert isinstance(method, CollaborationMethod)
    document = json.dumps(method.document()).replace('"last_key"', '"range"')
    document = document.replace(
        '"kind": "observed"', '"kind": "observed", "contradictions": "range"'
    )
    ranged = METHOD.validate_json(document)
    assert isinstance(ranged, CollaborationMethod)
    pair = [
        observation("one", "areas_without_coverage", unit="count", value=20),
        observation("two", "areas_without_coverage", unit="count", value=60),
        observation("villages", "villages", unit="count", value=244),
    ]
    scores = assess(ranged, facts(*pair), seed=1, draws=100)
    notices = {
        node.code: node.notices
        for node in scores.nodes()
        if isinstance(node, IndicatorScore) and node.notices
    }
    assert "resources.connectivity" in notices
    assert all("(one, two)" in notice for found in notices.values() for notice in found)


def test_an_observation_of_another_year_does_not_count() -> None:
    other = observation("o", "s", value=0.9, attested_in=2023)
    assert unknown({"kind": "observed", "subject": "s"}, other) == "nothing is recorded about s"


def attended(*keys: str) -> list[dict[str, Any]]:
    return [{"stakeholder": key, "present": True} for key in keys]


def test_sectors_present_counts_named_and_unnamed_presence() -> None:
    named = meeting("a", attendance=attended("gov"))
    unnamed = meeting("b", sectors_present=["private"])
    reading = measured({"kind": "sectors_present"}, stakeholder("gov"), named, unnamed)
    assert reading.value == pytest.approx(2 / 3)


def test_evenness_is_pielou() -> None:
    people = [*(stakeholder(f"g{n}") for n in range(6)), stakeholder("p", "private")]
    came = meeting("m", attendance=attended(*(f"g{n}" for n in range(6)), "p"))
    expected = stats.entropy([6, 1, 0]) / stats.entropy([1, 1, 1])
    assert measured({"kind": "evenness"}, *people, came).value == pytest.approx(expected)


def test_a_tie_lasts_after_two_meetings_or_with_an_agreement() -> None:
    people = [stakeholder(key) for key in "abcd"]
    once = meeting("m1", attendance=attended("a", "b", "c", "d"))
    again = meeting("m2", attendance=attended("a", "b"))
    shared = agreement("k", ["c", "d"])
    ties = {"kind": "ties", "meetings": 2}
    assert measured(ties, *people, once).inputs == {"numerator": 0, "n": 6, "stakeholders": 4}
    assert measured(ties, *people, once, again).value == pytest.approx(1 / 6)
    assert measured(ties, *people, once, again, shared).value == pytest.approx(2 / 6)
    assert unknown(ties, *people).startswith("neither attendance nor an agreement")


def test_ties_are_unknown_while_a_meeting_has_no_attendance() -> None:
    people = [stakeholder(key) for key in "ab"]
    met = [meeting(key, attendance=attended("a", "b")) for key in ("m1", "m2")]
    definition = ADAPTER.validate_python({"kind": "ties", "meetings": 2})

    unlisted = facts(*people, *met, meeting("m3"))
    outcome = evaluate_measure(definition, unlisted.read_by("declared"))
    assert isinstance(outcome, Missing)
    assert outcome.reason == "attendance is not recorded of every meeting of the year"
    for known in (facts(*people, *met).read_by("declared"), unlisted.read_by("assumed")):
        outcome = evaluate_measure(definition, known)
        assert isinstance(outcome, Measurement)
        assert outcome.value == 1


def test_the_order_in_which_conditions_are_stated_changes_nothing() -> None:
    """A bundle states them by name: the draws of a range must be the same."""
    both: dict[str, Any] = {"minutes": True, "discussion": True}
    partly = facts(meeting("a", **both), meeting("b")).read_by("declared")

    def found(condition: dict[str, Any]) -> Measurement:
        stated = {"kind": "share", "of": "meetings", "that": condition}
        outcome = evaluate_measure(ADAPTER.validate_python(stated), partly)
        assert isinstance(outcome, Measurement)
        return outcome

    streams = RandomStreams(1, 100)
    first, other = found(both), found(dict(reversed(both.items())))
    assert (first.low, first.high) == (0.5, 1)
    assert first.draw(streams).tolist() == other.draw(streams).tolist()


def test_reported_ties_count_only_when_the_method_says_so() -> None:
    people = [stakeholder(key) for key in "abcd"]
    met = [meeting(key, attendance=attended("a", "b")) for key in ("m1", "m2")]
    stated = stated_ties({"a": ["b", "c"], "c": ["a"], "d": ["a", "stranger"]}, invited=4)
    plain = {"kind": "ties"}
    both, either = plain | {"reported": "both"}, plain | {"reported": "either"}
    assert measured(plain, *people, *met, stated).inputs == measured(plain, *people, *met).inputs
    assert measured(plain, *people, *met, stated).value == pytest.approx(1 / 6)
    reading = measured(both, *people, *met, stated)
    assert reading.value == pytest.approx(2 / 6)  # a-b met twice, a-c report each other
    assert reading.inputs["reported"] == 1
    assert reading.inputs["response_rate"] == 0.75
    assert measured(either, *people, *met, stated).value == pytest.approx(3 / 6)
    assert [item.kind for item in reading.evidence][2] == "ties"
    # Without other evidence they are known by themselves; without a round nothing changes.
    assert measured(both, *people, stated).value == pytest.approx(1 / 6)
    assert measured(both, *people, *met).value == pytest.approx(1 / 6)
    assert unknown(plain, *people, stated).startswith("neither attendance nor an agreement")
    other = stated_ties({"a": ["b"], "b": ["a"]}, invited=4, survey="other")
    assert measured(both | {"survey": "other"}, *people, other).value == pytest.approx(1 / 6)
    assert unknown(both, *people, other).startswith("neither")


def test_who_has_not_answered_may_have_ties_to_anybody() -> None:
    people = [stakeholder(key) for key in "ab"]
    both = {"kind": "ties", "reported": "both"}
    some = measured(both, *people, stated_ties({"a": []}, invited=2))
    assert (some.value, some.bounds) == (0, (0, 1))


def test_index_progress_runs_from_the_first_value_to_the_target() -> None:
    definition = {"kind": "index_progress", "index": "spbe-2020"}
    values = [index_value(2021, 1.69), index_value(2024, 2.98), index_value(2025, 3.3)]
    target = index_value(2026, 3.39, role="target")
    reading = measured(definition, *values, target)
    assert reading.value == pytest.approx((2.98 - 1.69) / (3.39 - 1.69))
    assert "missing" in unknown(definition, *values)


def test_a_survey_share_has_wilsons_interval() -> None:
    definition = {
        "kind": "complement",
        "measure": {"kind": "survey_share", "survey": "s", "question": "q", "option": "none"},
    }
    reading = measured(definition, survey("s", 30, {"q": {"none": 12, "web": 18}}))
    theirs = stats.binomtest(18, 30).proportion_ci(0.95, method="wilson")
    assert reading.value == 0.6
    assert (reading.low, reading.high) == pytest.approx((theirs.low, theirs.high))


ITEMS = ["T1", "T2", "T3"]
TRUST = {"kind": "survey_mean", "survey": "s", "questions": ITEMS}
BY_LEVEL = {"a": 7, "b": 8, "c": 8, "d": 7}
ASKED = dict.fromkeys(ITEMS, BY_LEVEL)


def interval_in_percent(reading: Measurement) -> list[float]:
    """Return the 95% interval of a mean level, from 0 for level 1 to 100 for level 4."""
    ends = central_interval(reading.draw(RandomStreams(1, 10_000)))
    return [round(100 * (end - 1) / 3, 1) for end in ends]


def test_a_mean_over_items_is_as_certain_as_its_respondents_are_many() -> None:
    # 30 people who give each of three items the same level: 30 observations, not 90.
    sums = {str(3 * level): n for level, n in enumerate(BY_LEVEL.values(), start=1)}
    scales = [{"code": "trust", "questions": ["T3", "T1", "T2"], "sums": sums}]
    exact = measured(TRUST, survey("s", 30, ASKED, scales=scales))
    assert (exact.value, exact.inputs) == (2.5, {"answers": 90, "respondents": 30})
    assert interval_in_percent(exact) == [36.7, 63.3]
    # Without sums, answers could be as alike as they are here.
    unknown_sums = measured(TRUST, survey("s", 30, ASKED, scales=[]))
    assert unknown_sums.inputs == {"answers": 90, "respondents": 30}
    assert interval_in_percent(unknown_sums) == [36.7, 63.3]
    # What was stored before counts as it did, so that its bundles verify.
    before = measured(TRUST, survey("s", 30, ASKED))
    assert before.inputs == {"answers": 90}
    assert interval_in_percent(before) == [42.6, 57.8]


def test_items_that_differ_within_people_are_more_certain_than_items_that_do_not() -> None:
    # Everybody's levels add up to 7 or 8, whatever the items.
    scales = [{"code": "trust", "questions": ITEMS, "sums": {"7": 15, "8": 15}}]
    reading = measured(TRUST, survey("s", 30, ASKED, scales=scales))
    assert interval_in_percent(reading) == [48.1, 51.9]


SATISFIED = {"ikm": 80.0, "n": 30, "low": None, "high": None, "standard_deviation": 9.0}
MEASURES_OF_A_SURVEY: list[dict[str, Any]] = [
    {"kind": "survey_share", "survey": "s", "question": "q", "option": "none"},
    {"kind": "survey_mean", "survey": "s", "questions": ["q"]},
    {"kind": "satisfaction", "survey": "s"},
]


@pytest.mark.parametrize("measure", MEASURES_OF_A_SURVEY, ids=lambda measure: measure["kind"])
@pytest.mark.parametrize(
    ("by_mode", "has_interval"),
    [
        ({"page": 30}, False),
        ({"kiosk": 30}, False),
        ({"enumerator": 25, "qr": 5}, False),
        ({"mixed": 30}, False),
        ({"enumerator": 30}, True),
        (None, True),
    ],
    ids=str,
)
def test_a_self_selected_sample_has_no_interval_and_says_why(
    measure: dict[str, Any], by_mode: dict[str, int] | None, *, has_interval: bool
) -> None:
    given = survey("s", 30, {"q": {"none": 12, "web": 18}}, satisfaction=SATISFIED, by_mode=by_mode)
    whole = {"kind": "count", "of": "meetings"}
    made_of_it = (
        measure,
        {"kind": "complement", "measure": measure},
        {"kind": "ratio", "numerator": measure, "denominator": whole},
        {"kind": "mean_of", "measures": [measure, whole]},
        {"kind": "first_of", "measures": [measure, whole]},
    )
    for definition in made_of_it:
        reading = measured(definition, given, meeting("a"))
        assert (reading.interval is not None) == has_interval
        assert reading.no_interval_because == (None if has_interval else "self_selected")
        # What it is part of is at least as uncertain as with a drawn sample.
        assert len(set(reading.draw(RandomStreams(1, 64)))) > 1


@pytest.mark.parametrize("measure", MEASURES_OF_A_SURVEY, ids=lambda measure: measure["kind"])
@pytest.mark.parametrize(
    ("by_sample", "reason"),
    [
        ({"drawn": 30}, None),
        ({"invited": 30}, None),
        ({"enumerated": 10, "drawn": 20}, None),
        ({"quota": 30}, "quota"),
        ({"quota": 10, "drawn": 20}, "quota"),
        ({"drawn": 25, "self_selected": 5}, "self_selected"),
        ({"unknown": 30}, "self_selected"),
    ],
    ids=str,
)
def test_samples_decide_whether_there_is_an_interval(
    measure: dict[str, Any], by_sample: dict[str, int], reason: str | None
) -> None:
    given = survey(
        "s", 30, {"q": {"none": 12, "web": 18}}, satisfaction=SATISFIED, by_sample=by_sample
    )
    reading = measured(measure, given)
    assert (reading.interval is None, reading.no_interval_because) == (reason is not None, reason)


@pytest.mark.parametrize("measure", MEASURES_OF_A_SURVEY, ids=lambda measure: measure["kind"])
def test_only_respondents_of_the_samples_that_the_method_names_count(
    measure: dict[str, Any],
) -> None:
    measure = measure | {"samples": ["quota", "drawn"]}
    visitors = survey("s", 30, {"q": {"none": 30}}, satisfaction=SATISFIED)
    assert unknown(measure, visitors) == "there is no survey s"
    asked = {"q": {"none": 12, "web": 18}}
    drawn = survey("s drawn quota", 30, asked, satisfaction=SATISFIED, by_sample={"drawn": 30})
    alone = survey("s", 30, asked, satisfaction=SATISFIED, by_sample={"drawn": 30})
    plain = {name: value for name, value in measure.items() if name != "samples"}
    assert measured(measure, visitors, drawn).value == measured(plain, alone).value
    nobody = survey("s drawn quota", 0, {}, n=None, suppressed=True)
    assert unknown(measure, visitors, nobody) == (
        "no results of the survey s are of respondents found as: quota or drawn"
    )


def test_intervals_are_corrected_for_a_finite_population() -> None:
    share = {"kind": "survey_share", "survey": "s", "question": "q", "option": "none"}
    mean = {"kind": "survey_mean", "survey": "s", "questions": ["q"]}
    asked = {"q": {"none": 12, "web": 18}}

    def of(measure: dict[str, Any], population: int | None) -> Measurement:
        given = survey("s", 30, asked, by_sample={"drawn": 30}, finite_population=population)
        return measured(measure, given)

    def width(measure: dict[str, Any], population: int | None) -> float:
        reading = of(measure, population)
        low, high = central_interval(reading.draw(RandomStreams(1, 10_000)))
        return high - low

    for measure in (share, mean):
        # Half of 59 have answered: (59 - 30) / 58 of the variance is left.
        assert width(measure, 59) == pytest.approx(width(measure, None) / 2**0.5, rel=0.03)
        assert of(measure, 59).inputs["population"] == 59
        everybody = of(measure, 30)
        assert (everybody.interval, everybody.no_interval_because) == (None, None)
        assert width(measure, 30) == 0
        assert of(measure, 29).inputs == {**of(measure, None).inputs, "population": 29}
        assert width(measure, 29) == width(measure, None)
    reading = of(share, 59)
    theirs = stats.binomtest(24, 60).proportion_ci(0.95, method="wilson")
    assert (reading.low, reading.high) == pytest.approx((theirs.low, theirs.high))


def test_a_survey_with_no_or_too_few_responses_is_missing() -> None:
    definition = {"kind": "survey_share", "survey": "s", "question": "q", "option": "x"}
    assert "nobody has answered" in unknown(definition, survey("s", 0, {}))
    assert "too few" in unknown(definition, survey("s", 0, {}, n=None, suppressed=True))
    assert unknown(definition) == "there is no survey s"
    assert unknown(definition, feedback="feedback did not answer") == "feedback did not answer"


def test_reporting_is_unknown_before_anybody_reports_and_zero_when_all_is_late() -> None:
    def reporting(late: int) -> Any:
        agencies = [{"agency": "a", "expected": 12, "on_time": 0, "late": late}]
        content = {"expected": 12, "on_time": 0, "late": late, "agencies": agencies}
        return report("reporting", "reporting", content)

    assert "no agency has posted" in unknown({"kind": "reported"}, reporting(late=0))
    assert measured({"kind": "reported"}, reporting(late=3)).value == 0
    assert measured({"kind": "agencies_reporting"}, reporting(late=3)).value == 1


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 4), min_size=1, max_size=8))
def test_doubts_widen_the_interval_of_what_agencies_report_and_leave_its_value(
    months: list[tuple[int, int, int, int]],
) -> None:
    names = ("on_time", "on_time_flagged", "late", "late_flagged")
    rows = [(a + b, b, c + d, d) for a, b, c, d in months]
    agencies = [
        {"agency": "a", "expected": 12, **dict(zip(names, row, strict=True))} for row in rows
    ]
    totals = dict(zip(names, map(sum, zip(*rows, strict=True)), strict=True))
    content = {"expected": 12 * len(rows), **totals, "agencies": agencies}
    reported = report("reporting", "reporting", content)
    if not totals["on_time"] + totals["late"]:
        assert "no agency has posted" in unknown({"kind": "reported"}, reported)
        return
    n = len(rows)
    in_time = ((totals["on_time"] - totals["on_time_flagged"]) / (12 * n),
               totals["on_time"] / (12 * n))  # fmt: skip
    any_month = (sum(a + c > 0 for a, _, c, _ in months) / n,
                 sum(a + b + c + d > 0 for a, b, c, d in months) / n)  # fmt: skip
    for kind, (low, high) in (("reported", in_time), ("agencies_reporting", any_month)):
        reading = measured({"kind": kind}, reported)
        assert reading.value == high
        assert (reading.low, reading.high) == ((low, high) if low < high else (None, None))
        draws = reading.draw(RandomStreams(1, 64))
        assert ((low <= draws) & (draws <= high)).all()
        assert len(set(draws)) == (64 if low < high else 1)


def test_comments_in_time_are_of_all_that_are_settled() -> None:
    definition = {"kind": "comments_in_time"}
    groups = [{"value": "dukcapil", "n": 6, "in_time": 3}, {"value": None, "n": 14, "in_time": 12}]
    reading = measured(definition, report("comments", "comments", {"items": groups}))
    assert (reading.value, dict(reading.inputs)) == (0.75, {"numerator": 15, "n": 20})
    none = report("comments", "comments", {"items": []})
    assert unknown(definition, none).startswith("no comment of the year is settled")
    assert unknown(definition) == "there is no report about comments"
    assert unknown(definition, feedback="down") == "down"


def test_services_on_national_portals_are_not_the_regency_s_own() -> None:
    of_own = {"kind": "catalog_share", "of": "own_digital_in_operation"}
    content = {
        "services": 9, "standard_share": 0.2, "digital_services": 8, "digital_in_operation": 7,
        "own_digital_services": 2, "own_digital_in_operation": 1,
    }  # fmt: skip
    assert measured(of_own, report("catalog", "summary", content)).value == 0.5
    of_all = {"kind": "catalog_share", "of": "digital_in_operation"}
    assert measured(of_all, report("catalog", "summary", content)).value == 7 / 8
    earlier = {name: value for name, value in content.items() if not name.startswith("own")}
    assert "national bodies" in unknown(of_own, report("catalog", "summary", earlier))
    nothing = content | {"own_digital_services": 0, "own_digital_in_operation": 0}
    assert unknown(of_own, report("catalog", "summary", nothing)) == (
        "the catalogue has no digital service"
    )


def test_usage_share_is_of_one_counter() -> None:
    cells = [
        {"measure": "submitted", "channel": "online", "value": 30},
        {"measure": "submitted", "channel": "counter", "value": 90},
        {"measure": "completed", "channel": "online", "value": 1000},
    ]
    definition = {"kind": "usage_share", "counter": "submitted", "channel": "online"}
    assert measured(definition, report("usage", "channel", {"items": cells})).value == 0.25
    assert "no agency has posted" in unknown(definition, report("usage", "channel", {"items": []}))


def test_doubts_in_evidence_of_earlier_bundles_are_still_read() -> None:
    old = {"on_time": 6, "on_time_doubted": 2, "late": 0, "late_doubted": 0}
    item = report("reporting", "reporting", {"expected": 12, "agencies": [old], **old})
    found = measured({"kind": "reported"}, item)
    assert (found.low, found.high) == (4 / 12, 6 / 12)


def test_first_of_uses_the_first_with_evidence_and_reports_all_reasons() -> None:
    definition = {
        "kind": "first_of",
        "measures": [{"kind": "observed", "subject": "a"}, {"kind": "observed", "subject": "b"}],
    }
    assert measured(definition, observation("o", "b", value=0.4)).value == 0.4
    reason = unknown(definition)
    assert reason == "nothing is recorded about a; nothing is recorded about b"


def test_mean_of_needs_all_its_parts() -> None:
    definition = {
        "kind": "mean_of",
        "measures": [{"kind": "observed", "subject": "a"}, {"kind": "observed", "subject": "b"}],
    }
    a, b = observation("oa", "a", value=0.2), observation("ob", "b", value=0.6)
    assert measured(definition, a, b).value == pytest.approx(0.4)
    assert unknown(definition, a) == "nothing is recorded about b"


@given(st.lists(st.sampled_from("abcdef"), min_size=0, max_size=6, unique=True), st.randoms())
def test_the_order_of_evidence_does_not_matter(present: list[str], shuffle: Any) -> None:
    items = [
        *(stakeholder(key, "private" if key > "c" else "government") for key in "abcdef"),
        meeting("m1", attendance=attended(*present)),
        meeting("m2", attendance=attended(*present)),
    ]
    mixed = list(items)
    shuffle.shuffle(mixed)
    for kind in (
        {"kind": "ties", "meetings": 2},
        {"kind": "evenness"},
        {"kind": "sectors_present"},
    ):
        definition = ADAPTER.validate_python(kind)
        one, other = (
            evaluate_measure(definition, facts(*items)),
            evaluate_measure(definition, facts(*mixed)),
        )
        if isinstance(one, Measurement) and isinstance(other, Measurement):
            assert one.value == other.value
        else:
            assert one == other


PLANNED = {"kind": "held_of_planned", "kinds": ["outreach", "training"]}
DECLARED = ("programmes", "meetings", "stakeholders", "risks")


def bounded(definition: dict[str, Any], *items: Any) -> Measurement | Missing:
    """Evaluate a measure where registers have to be declared complete, as they are here."""
    entries = {kind: sum(item.kind == kind for item in items) for kind in DECLARED}
    declared = [
        record("declarations", f"{kind}-2024", register_name=kind, year=2024, entries=n)
        for kind, n in entries.items()
    ]
    read = facts(*items, *declared).model_copy(update={"registers": "declared"})
    return evaluate_measure(ADAPTER.validate_python(definition), read)


def event(key: str, kind: str, *, held: bool | None = None, **more: Any) -> Any:
    about = {"valid_from": date(2024, 1, 1), "name": key, "name_en": key, "kind": kind}
    return record("programmes", key, held=held, **about, **more)


@pytest.mark.parametrize(
    ("items", "value", "bounds"),
    [
        # A meeting of the kind shows that one of those planned was held, whichever it was.
        ([event("a", "training"), meeting("m", kind="training")], 1, (1, 1)),
        ([event("a", "training", held=False), meeting("m", kind="training")], 1, (1, 1)),
        ([event("a", "outreach"), meeting("m", kind="training")], None, (0, 1)),
        # What is recorded as a programme and as a meeting is one event.
        (
            [
                event("a", "outreach", held=True),
                event("b", "outreach", held=False),
                meeting("m", kind="outreach"),
            ],
            0.5,
            (0.5, 0.5),
        ),
        # More meetings than planned events are no more than the plan.
        (
            [event("a", "outreach"), *(meeting(f"m{n}", kind="outreach") for n in range(5))],
            1,
            (1, 1),
        ),
        # Of those that nothing shows either way it is a range.
        ([event("a", "outreach", held=True), event("b", "outreach")], 0.75, (0.5, 1)),
        # Meetings of other kinds, and programmes of other kinds, do not count.
        ([event("a", "training", held=False), meeting("m", kind="forum")], 0, (0, 0)),
        ([event("a", "programme"), meeting("m", kind="training")], None, (0, 1)),
        # A meeting whose kind is not known may be one.
        ([event("a", "training", held=False), meeting("m")], 0, (0, 1)),
    ],
)
def test_outreach_and_training_are_those_planned_that_programmes_or_meetings_show_as_held(
    items: list[Any], value: float | None, bounds: tuple[float, float]
) -> None:
    outcome = bounded(PLANNED, *items)
    assert (outcome.value if isinstance(outcome, Measurement) else None) == value
    assert outcome.bounds == bounds


def test_without_a_declaration_what_was_planned_and_held_proves_nothing() -> None:
    items = (event("a", "training"), meeting("m", kind="training"))
    outcome = measured(PLANNED, *items)
    assert (outcome.value, outcome.bounds) == (1, (0, 1))
    assert [item.key for item in outcome.evidence] == ["a", "m"]


WITH_PLAN = {"kind": "agencies_with", "of": "programmes", "that": {"plan": "recorded"}}
AGENCIES = [stakeholder(key, agency=key) for key in ("dinkes", "dukcapil", "disdik", "dishub")]


@pytest.mark.parametrize(
    ("programmes", "value", "bounds"),
    [
        ([event("a", "programme", owner="dinkes", plan="x")], 0.25, (0.25, 0.25)),
        # An agency counts once; a stakeholder that is no agency does not count.
        (
            [event(key, "programme", owner="dinkes", plan="x") for key in ("a", "b")]
            + [event("c", "programme", owner="it-del", plan="x")],
            0.25,
            (0.25, 1),
        ),
        # A programme whose plan is not recorded may have one.
        (
            [
                event("a", "programme", owner="dinkes", plan="x"),
                event("b", "programme", owner="disdik"),
            ],
            0.25,
            (0.25, 1),
        ),
        # One that is recorded to have none has none.
        (
            [
                event("a", "programme", owner="dinkes", plan="x"),
                event("b", "programme", owner="disdik", absent_fields=["plan"]),
            ],
            0.25,
            (0.25, 0.25),
        ),
        ([event("a", "programme", owner="dinkes")], None, (0, 1)),
        ([], None, (0, 1)),
    ],
)
def test_agencies_with_a_programme_of_a_kind_are_a_share_of_the_active_agencies(
    programmes: list[Any], value: float | None, bounds: tuple[float, float]
) -> None:
    outcome = bounded(WITH_PLAN, *AGENCIES, stakeholder("it-del", "private"), *programmes)
    assert (outcome.value if isinstance(outcome, Measurement) else None) == value
    assert outcome.bounds == bounds


SHARE_SEEN = {"kind": "observed", "subject": "staff_trained"}
AT_LEAST_HALF = {
    "kind": "at_least",
    "measure": SHARE_SEEN,
    "least": 0.5,
    "given": {"kind": "observed", "subject": "programmes_running"},
}


@pytest.mark.parametrize(
    ("seen", "given", "value", "bounds"),
    [
        ({"value": 0.2}, 1, 0.5, (0.5, 0.5)),
        ({"value": 0.8}, 1, 0.8, (0.8, 0.8)),
        ({"value": 0.2}, 0.9, 0.2, (0.2, 0.2)),  # met in part is not met
        ({"low": 0.2, "high": 0.9}, 1, 0.55, (0.5, 0.9)),
        (None, 1, 0.5, (0.5, math.inf)),
        ({"value": 0.2}, None, 0.2, (0.2, 0.5)),  # it may be met unseen
        (None, None, None, (-math.inf, math.inf)),
    ],
)
def test_at_least_raises_a_measure_to_its_floor_only_where_the_condition_is_met(
    seen: dict[str, float] | None,
    given: float | None,
    value: float | None,
    bounds: tuple[float, float],
) -> None:
    items = [] if seen is None else [observation("seen", "staff_trained", **seen)]
    items += [] if given is None else [observation("rule", "programmes_running", value=given)]
    outcome = bounded(AT_LEAST_HALF, *items)
    assert (outcome.value if isinstance(outcome, Measurement) else None) == value
    assert outcome.bounds == bounds


LOWER = {"kind": "lower_bound", "measure": SHARE_SEEN, "high": 1}
EXACT = LOWER | {"exact": {"kind": "observed", "subject": "programmes_running"}}


@pytest.mark.parametrize(
    ("definition", "seen", "exactly", "value", "bounds"),
    [
        (LOWER, {"value": 0.6}, None, 0.8, (0.6, 1)),
        (LOWER, {"low": 0.4, "high": 0.6}, None, 0.7, (0.4, 1)),
        (EXACT, {"value": 0.6}, None, 0.8, (0.6, 1)),
        (EXACT, {"value": 0.6}, {"value": 0.7}, 0.7, (0.7, 0.7)),
        (EXACT, {"value": 0.6}, {"low": 0.5, "high": 0.9}, 0.7, (0.6, 0.9)),
        (EXACT, {"value": 0.6}, {"value": 0.5}, 0.5, (0.5, 0.5)),  # they contradict each other
        (EXACT, None, {"value": 0.5}, 0.5, (0.5, 0.5)),
        (EXACT, None, None, None, (-math.inf, 1)),
    ],
)
def test_a_lower_bound_is_a_range_to_the_highest_until_the_exact_figure_is_known(
    definition: dict[str, Any],
    seen: dict[str, float] | None,
    exactly: dict[str, float] | None,
    value: float | None,
    bounds: tuple[float, float],
) -> None:
    items = [] if seen is None else [observation("seen", "staff_trained", **seen)]
    if exactly is not None:
        items.append(observation("exact", "programmes_running", **exactly))
    outcome = bounded(definition, *items)
    found = outcome.value if isinstance(outcome, Measurement) else None
    assert found == (None if value is None else pytest.approx(value))
    assert outcome.bounds == bounds
