"""Surveys over HTTP: answered once, in versions, with results of five and more."""

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from asyncpg import CheckViolationError
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from services.feedback.app import create_app
from services.feedback.surveys.pack import load_surveys
from services.platform.service import API
from tests.conftest import Hub, Room, Server, form_bundles, room
from tests.feedback.answering import new_address
from tests.feedback.feedback_rows import store_bundle
from tests.feedback.questionnaires import (
    ELEMENTS,
    faults_of,
    load,
    option,
    question,
    respond,
    results,
    skm_survey,
    survey,
)
from tests.waiting import until

TOTALS = dict(zip(ELEMENTS, (105, 101, 100, 116, 102, 105, 106, 105, 115), strict=True))
N = 29


def worked_example() -> Iterator[dict[str, int]]:
    """29 responses with the totals of the regulation's example."""
    for person in range(N):
        yield {
            code: 3 + (person < total - 3 * N) if total >= 3 * N else 3
            for code, total in TOTALS.items()
        }


def test_the_worked_example_of_the_regulation(feedback: Room) -> None:
    load(feedback, skm_survey())
    for answers in worked_example():
        assert respond(feedback, answers, slug="skm", day="2024-05-14").status_code == 201
    exact = results(feedback, slug="skm", period="2024")["satisfaction"]
    older = results(feedback, slug="skm", period="2024", weight="0.11")["satisfaction"]
    assert (exact["ikm"], exact["grade"], exact["n"]) == (91.48, "A", N)
    assert older["ikm"] == 90.56
    assert (exact["low"], exact["high"]) == (None, None)
    assert "chose themselves" in exact["no_interval_because"]
    assert {e["code"]: e["total"] for e in exact["elements"]} == TOTALS
    assert exact["priorities"] == ["U3", "U2", "U5", "U1", "U6", "U8", "U7", "U9", "U4"]


@pytest.mark.slow
def test_results_by_service_agency_channel_and_part_of_the_year(feedback: Room) -> None:
    load(feedback, skm_survey())
    plan = [
        ("ktp-el", "dukcapil", "counter", "2024-02-01", 4, 6),
        ("ktp-el", "dukcapil", "online", "2024-08-01", 2, 5),
        ("pbg", "pupr", "online", "2024-08-02", 3, 7),
    ]
    for service, agency, channel, day, level, count in plan:
        for _ in range(count):
            answer = respond(
                feedback,
                dict.fromkeys(ELEMENTS, level),
                slug="skm",
                service=service,
                agency=agency,
                channel=channel,
                day=day,
            )
            assert answer.status_code == 201

    def ikm(**parameters: str) -> tuple[int | None, float | None]:
        found = results(feedback, slug="skm", **parameters)
        return found["n"], found["satisfaction"] and found["satisfaction"]["ikm"]

    assert ikm(period="2024", service="pbg") == (7, 75.0)
    assert ikm(period="2024", agency="dukcapil", channel="counter") == (6, 100.0)
    assert ikm(period="2024-S1") == ikm(period="2024-Q1") == ikm(period="2024-02") == (6, 100.0)
    assert ikm(period="2024-Q3", service="ktp-el") == (5, 50.0)
    assert ikm(period="2024-Q4") == (None, None)
    assert ikm(period="2023") == (0, None)

    def breakdown(by: str) -> dict[str | None, int]:
        feedback.form_bundles()
        found = feedback.get(f"{API}/surveys/skm/breakdown", by=by, period="2024").json()
        assert found["n"] == 18 == sum(item["results"]["n"] for item in found["items"])
        return {item["value"]: item["results"]["n"] for item in found["items"]}

    assert breakdown("service") == {"ktp-el": 11, "pbg": 7}
    assert breakdown("channel") == {"counter": 6, "online": 12}
    assert breakdown("quarter") == {"2024-Q1": 6, "2024-Q3": 12}
    assert breakdown("month") == {"2024-02": 6, "2024-08": 12}
    assert breakdown("district") == {"": 18}


def test_fewer_than_five_wait_and_a_single_addition_is_never_shown(feedback: Room) -> None:
    load(feedback, survey())
    seen: list[int | None] = []
    for _ in range(12):
        assert respond(feedback, {"Q": "yes"}, day="2024-01-01").status_code == 201
        found = results(feedback, period="2024")
        assert found["suppressed"] == (found["n"] is None)
        seen.append(found["n"])
    assert seen == [None] * 4 + [5] * 5 + [10] * 3


@pytest.mark.slow
def test_groups_too_small_are_pooled_not_lost(feedback: Room) -> None:
    load(feedback, survey())
    for service, count in (("ktp-el", 6), ("pbg", 3), ("slf", 2)):
        for _ in range(count):
            respond(feedback, {"Q": "yes"}, service=service, day="2024-01-01")
    feedback.form_bundles()
    found = feedback.get(f"{API}/surveys/own/breakdown", by="service", period="2024").json()
    groups = {item["value"]: item["results"]["n"] for item in found["items"]}
    assert groups == {"ktp-el": 6, None: 5}
    hidden = results(feedback, period="2024", service="pbg")
    assert (hidden["n"], hidden["suppressed"], hidden["questions"]) == (None, True, [])


def test_what_fewer_than_five_of_a_bundle_answered_is_left_out(feedback: Room) -> None:
    load(feedback, survey(question("Q"), question("rare", required=False)))
    for index in range(10):
        more = {"rare": "no"} if index < 4 else {}
        respond(feedback, {"Q": "yes"} | more, day="2024-01-01")
    assert [q["code"] for q in results(feedback, period="2024")["questions"]] == ["Q"]


def test_answers_about_the_person_are_not_published(feedback: Room) -> None:
    load(feedback, survey(question("Q"), question("sex", about="sex", required=False)))
    for _ in range(6):
        respond(feedback, {"Q": "yes", "sex": "no"}, day="2024-01-01")
    assert [q["code"] for q in results(feedback, period="2024")["questions"]] == ["Q"]


SCALE = {"trust": ["T1", "T2", "T3"]}
TRUST_ITEMS = [question(code, "scale4", required=False) for code in SCALE["trust"]]


def test_a_scale_counts_respondents_by_the_sum_of_their_levels(feedback: Room) -> None:
    load(feedback, survey(*TRUST_ITEMS, scales=SCALE))
    for levels in ((1, 1, 1), (1, 2, 3), (2, 2, 2), (4, 4, 4), (4, 3, 4), (4, 4, None)):
        given_levels = dict(zip(SCALE["trust"], levels, strict=True))
        answers = {code: level for code, level in given_levels.items() if level is not None}
        assert respond(feedback, answers, day="2024-01-01").status_code == 201
    [trust] = results(feedback, period="2024")["scales"]
    assert trust["sums"] == {"3": 1, "6": 2, "11": 1, "12": 1}
    assert (trust["code"], trust["questions"], trust["n"]) == ("trust", SCALE["trust"], 5)
    assert trust["mean"] == pytest.approx(38 / 15)
    assert trust["standard_deviation"] == pytest.approx(1.2605, abs=1e-4)


def test_a_scale_that_fewer_than_five_answered_completely_is_left_out(feedback: Room) -> None:
    load(feedback, survey(*TRUST_ITEMS, scales=SCALE))
    for person in range(8):
        asked = SCALE["trust"] if person < 4 else [SCALE["trust"][person % 3]]
        assert respond(feedback, dict.fromkeys(asked, 2), day="2024-01-01").status_code == 201
    found = results(feedback, period="2024")
    assert found["scales"] == []
    assert {asked["answered"] for asked in found["questions"]} == {5, 6}


@pytest.mark.slow
def test_bundles_formed_before_a_scale_was_defined_have_its_sums_too(feedback: Room) -> None:
    load(feedback, survey(*TRUST_ITEMS))
    for level in (1, 2, 2, 4, 4):
        respond(feedback, dict.fromkeys(SCALE["trust"], level), day="2024-01-01")
    for answered in (SCALE["trust"], ["T1", "T2"]):  # not everybody of this bundle answers all
        for _ in range(5):
            respond(feedback, dict.fromkeys(answered, 3), day="2024-02-01")
    before = results(feedback, period="2024")
    assert before["scales"] == []
    load(feedback, survey(*TRUST_ITEMS, scales=SCALE))
    after = results(feedback, period="2024")
    assert after["scales"][0]["sums"] == {"3": 1, "6": 2, "12": 2}
    assert after["questions"] == before["questions"]


def test_of_numbers_only_the_mean_is_published(feedback: Room) -> None:
    load(feedback, survey(question("people", "number", low=1, high=20)))
    for people in (1, 2, 3, 4, 20):
        respond(feedback, {"people": people}, day="2024-01-01")
    [found] = results(feedback, period="2024")["questions"]
    assert (found["answered"], found["mean"], found["options"]) == (5, 6.0, [])


@pytest.mark.slow
def test_a_changed_definition_is_a_new_version_and_results_name_their_versions(
    feedback: Room,
) -> None:
    load(feedback, survey(question("Q", options=[option("old"), option("both")])))
    for _ in range(5):
        respond(feedback, {"Q": "old"}, day="2024-01-01")
    results(feedback, period="2024")
    newer = survey(question("Q", options=[option("both"), option("new")]), question("R"))
    assert [str(change) for change in load(feedback, newer)] == ["~ survey own (questions)"]
    assert load(feedback, newer) == []
    for _ in range(5):
        respond(feedback, {"Q": "new", "R": "yes"}, day="2024-01-01")
    found = results(feedback, period="2024")
    assert (found["version"], found["versions"], found["n"]) == (2, [1, 2], 10)
    counts = {q["code"]: {o["code"]: o["count"] for o in q["options"]} for q in found["questions"]}
    assert counts == {"Q": {"both": 0, "new": 5, "old": 5}, "R": {"yes": 5, "no": 0}}


def test_a_response_may_come_late_for_the_version_that_was_answered(feedback: Room) -> None:
    load(feedback, survey(question("Q")))
    load(feedback, survey(question("other")))
    assert respond(feedback, {"Q": "yes"}, version=1).json()["version"] == 1
    assert (
        faults_of(respond(feedback, {"Q": "yes"}))["#/answers/Q"]
        == "is not a question of this survey"
    )
    assert (
        faults_of(respond(feedback, {"Q": "yes"}, version=3))
        .get("#/version", "")
        .startswith("does not exist")
    )


def test_a_repeated_response_counts_once(feedback: Room) -> None:
    load(feedback, survey())
    given: dict[str, Any] = {"id": str(uuid4()), "day": "2024-01-01"}
    first = respond(feedback, {"Q": "yes"}, **given)
    again = respond(feedback, {"Q": "yes"}, **given)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"repeated": True, "answered_on": "2024-01-01"}
    for _ in range(4):
        respond(feedback, {"Q": "yes"}, day="2024-01-01")
    assert results(feedback, period="2024")["n"] == 5


def test_without_an_id_the_hub_generates_one_without_a_time(feedback: Room) -> None:
    load(feedback, survey())
    versions = {respond(feedback, {"Q": "yes"}).json()["id"][14] for _ in range(3)}
    assert versions == {"4"}


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"answered_on": "2019-12-31"}, "#/answered_on"),
        ({"answered_on": "2999-01-01"}, "#/answered_on"),
        ({"district": "11.01.01"}, "#/district"),
        ({"version": 9}, "#/version"),
    ],
)
def test_a_response_that_cannot_be_is_refused_and_the_field_named(
    office: Room, more: dict[str, Any], place: str
) -> None:
    load(office, survey())
    assert list(faults_of(respond(office, {"Q": "yes"}, **more))) == [place]


@pytest.mark.parametrize("period", ["1999", "2024-13", "2024-Q5", "2024-S3", "24", "2024-"])
def test_a_period_that_is_none_is_refused(office: Room, period: str) -> None:
    load(office, survey())
    answer = office.get(f"{API}/surveys/own/results", period=period)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "period"


@pytest.mark.parametrize(
    ("population", "needed"),
    [(10, 10), (15, 14), (100, 80), (500, 217), (1000, 278), (10_000, 370), (1_000_000, 384)],
)
def test_the_sample_that_a_population_needs(office: Room, population: int, needed: int) -> None:
    answer = office.get(f"{API}/surveys/skm/sample-size", population=population)
    assert answer.json() == {"population": population, "needed": needed}


def test_results_show_whether_the_sample_is_large_enough(feedback: Room) -> None:
    load(feedback, survey())
    for _ in range(10):
        respond(feedback, {"Q": "yes"}, day="2024-01-01")
    for population, needed, enough in ((10, 10, True), (15, 14, False)):
        found = results(feedback, period="2024", population=population)["sample"]
        assert found == {"population": population, "needed": needed, "enough": enough}


@pytest.mark.slow
def test_a_service_outside_the_catalogue_is_refused_and_the_agency_is_filled_in(
    proxied_hub: Hub,
) -> None:
    hub = proxied_hub
    path = f"{API}/surveys/skm/responses"
    answers = dict.fromkeys(ELEMENTS, 4)

    def post(**about: str) -> Any:
        return hub.client.post(
            path, json={"answers": answers} | about, headers={"X-Forwarded-For": new_address()}
        )

    assert list(faults_of(post(service="no-such"))) == ["#/service"]
    assert list(faults_of(post(service="ktp-el", agency="pupr"))) == ["#/agency"]
    assert list(faults_of(post(agency="no-such"))) == ["#/agency"]
    for _ in range(5):
        assert post(service="ktp-el").status_code == 201
    form_bundles(hub.settings)
    found = hub.client.get(f"{API}/surveys/skm/results?agency=dukcapil").json()
    assert found["n"] == 5


def test_a_bundle_under_five_cannot_be_stored(feedback: Room) -> None:
    load(feedback, survey())
    with pytest.raises(CheckViolationError, match="bundle_n_check"):
        store_bundle(feedback.settings, "own", n=4)


@pytest.mark.slow
def test_the_job_publishes_responses_and_a_read_does_not(server: Server, migrated: str) -> None:
    with server.database_from(migrated) as name:
        with room(create_app, server.settings(name)) as waiting:
            load(waiting, survey())
            for _ in range(5):
                assert respond(waiting, {"Q": "yes"}).status_code == 201
            found = waiting.get(f"{API}/surveys/own/results").json()
            assert (found["n"], found["suppressed"]) == (None, True)
        with room(create_app, server.settings(name, bundle_seconds=1)) as published:
            until(lambda: published.get(f"{API}/surveys/own/results").json()["n"] == 5)


def test_the_counts_of_all_options_are_those_given(feedback: Room) -> None:
    load(feedback, survey(question("known", "multiple")))
    given = [["yes"], ["no"], ["yes", "no"], ["yes"], ["yes"]]
    for answer in given:
        respond(feedback, {"known": answer}, day="2024-01-01")
    [found] = results(feedback, period="2024")["questions"]
    expected = Counter(code for answer in given for code in answer)
    assert {o["code"]: o["count"] for o in found["options"]} == expected
    assert [o["share"] for o in found["options"]] == [0.8, 0.4]


def test_a_withdrawn_survey_is_hidden_from_readers(feedback: Room) -> None:
    load(feedback, survey())
    region = feedback.settings.region
    feedback.store(lambda session: load_surveys(session, region, []))
    for path in ("", "/results", "/breakdown?by=service"):
        assert feedback.get(f"{API}/surveys/own{path}").status_code == 404


PERIODS = ("2024", "2024-Q1", "2024-01", "2024-02")
DIMENSIONS = ("service", "channel", "month")
SLICES: tuple[dict[str, Any], ...] = (
    {},
    {"service": "ktp-el"},
    {"service": "pbg"},
    {"channel": "online"},
)
WAVES = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(("ktp-el", "pbg")),
            st.sampled_from(("online", "counter")),
            st.sampled_from(("2024-01-10", "2024-02-10", "2024-05-10")),
            st.sampled_from(range(9)),
        ),
        min_size=1,
        max_size=16,
    ),
    min_size=1,
    max_size=3,
)
"""Responses about a service, through a channel, on a day, of one of nine senders."""
LATER = (("online", "2024-02-10"), ("counter", "2024-05-10"))
SLUGS = itertools.count(1)


def published(feedback: Room, slug: str) -> dict[tuple[str | None, ...], Counter[str]]:
    """Return every figure that can be asked for, by slice, period, dimension and value.

    Each response's option is its sender, so a figure names the senders that it is about.
    """
    feedback.form_bundles()
    found: dict[tuple[str | None, ...], Counter[str]] = {}
    for asked in SLICES:
        name = str(asked)
        for period in PERIODS:
            whole = feedback.get(f"{API}/surveys/{slug}/results", period=period, **asked).json()
            found[name, period] = senders_in(whole)
            for by in DIMENSIONS:
                reported = feedback.get(
                    f"{API}/surveys/{slug}/breakdown", by=by, period=period, **asked
                ).json()
                for item in reported["items"]:
                    found[name, period, by, item["value"]] = senders_in(item["results"])
    return found


def senders_in(figures: dict[str, Any]) -> Counter[str]:
    """Return how many responses of each sender these figures are about."""
    counts = Counter(
        {o["code"]: o["count"] for q in figures["questions"] for o in q["options"] if o["count"]}
    )
    assert counts.total() == (figures["n"] or 0)
    assert len(counts) <= (figures["senders"] or 0)
    return counts


@pytest.mark.slow
@example(
    waves=[
        [("ktp-el", "online", "2024-01-10", n) for n in range(6)]
        + [("pbg", "counter", "2024-01-10", 0)],
        [("pbg", channel, day, n) for n in range(4) for channel, day in LATER],
        [("ktp-el", "counter", "2024-01-10", 8)],
    ]
)
@example(  # one sender's many responses beside those of one other person
    waves=[[("ktp-el", "online", "2024-01-10", 0)] * 9 + [("ktp-el", "online", "2024-01-10", 1)]]
)
@hypothesis_settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(waves=WAVES)
def test_no_two_figures_differ_by_fewer_than_five_people(
    feedback: Room, waves: list[list[tuple[str, str, str, int]]]
) -> None:
    slug = f"subtracted-{next(SLUGS)}"
    load(feedback, survey(question("Q", options=[option(f"s{n}") for n in range(9)]), slug=slug))
    addresses = [new_address() for _ in range(9)]
    before: dict[tuple[str | None, ...], Counter[str]] = {}
    for wave in waves:
        for service, channel, day, sender in wave:
            given = respond(
                feedback,
                {"Q": f"s{sender}"},
                slug=slug,
                address=addresses[sender],
                day=day,
                service=service,
                channel=channel,
            )
            assert given.status_code == 201
        after = published(feedback, slug)
        pairs = [(after[key], part) for key, part in before.items()]  # today's less yesterday's
        for (asked, period, *group), part in after.items():
            if group:
                pairs.append((after[asked, period], part))  # the whole less a group
            else:
                pairs.append((after[str({}), period], part))  # all less a slice
                pairs.append((after[asked, "2024"], part))  # a year less its parts
        for whole, part in pairs:
            difference = whole - part
            assert not difference or len(difference) >= 5, (whole, part)
        before = after
