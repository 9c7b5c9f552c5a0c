"""A survey is data: which definitions and which answers fit."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.feedback.pack import read_feedback
from tests.conftest import TOBA
from tests.feedback.questionnaires import RELATION, option, question, relational, survey

USED = question("used")
WHY = question("why", show_if={"question": "used", "any_of": ["no"]})


def test_a_question_is_asked_only_after_the_answer_it_depends_on() -> None:
    asked = survey(USED, WHY)
    assert asked.find_errors({"used": "no", "why": "yes"}) == {}
    assert asked.find_errors({"used": "yes"}) == {}
    assert asked.find_errors({"used": "no"}) == {"why": "is required"}
    assert asked.find_errors({"used": "yes", "why": "no"}) == {
        "why": "is asked only after certain answers to used"
    }


def test_what_depends_on_a_question_that_is_not_asked_is_not_asked_either() -> None:
    after = question("after", show_if={"question": "why", "any_of": ["yes"]})
    asked = survey(USED, WHY, after)
    assert [q.code for q in asked.asked_questions({"used": "yes", "why": "yes"})] == ["used"]
    assert [q.code for q in asked.asked_questions({"used": "no", "why": "yes"})] == [
        "used",
        "why",
        "after",
    ]


def test_a_branch_may_depend_on_a_level_or_on_one_of_several_options() -> None:
    low = question("low", show_if={"question": "U1", "any_of": [1, 2]})
    asked = survey(question("U1", "scale4"), low)
    assert [len(asked.asked_questions({"U1": level})) for level in (1, 2, 3, 4)] == [2, 2, 1, 1]
    several = survey(
        question("known", "multiple"),
        question("more", show_if={"question": "known", "any_of": ["yes"]}),
    )
    assert len(several.asked_questions({"known": ["no", "yes"]})) == 2
    assert len(several.asked_questions({"known": ["no"]})) == 1


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"question": "why", "any_of": ["no"]}, "not an earlier question"),
        ({"question": "used", "any_of": ["maybe"]}, "'maybe', which is not an answer to used"),
    ],
)
def test_a_branch_leads_forward_from_a_possible_answer(
    condition: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        survey(USED, question("why", show_if=condition))


def test_an_exclusive_option_allows_no_other() -> None:
    options = [option("oss"), option("simbg"), option("none", exclusive=True)]
    asked = survey(question("known", "multiple", options=options))
    assert asked.find_errors({"known": ["none"]}) == {}
    assert asked.find_errors({"known": ["oss", "simbg"]}) == {}
    assert asked.find_errors({"known": ["none", "oss"]}) == {
        "known": "none is exclusive; remove it or the other options"
    }


def test_a_number_lies_between_its_bounds() -> None:
    asked = survey(question("people", "number", low=1, high=20))
    assert asked.find_errors({"people": 1}) == asked.find_errors({"people": 20}) == {}
    for wrong in (0, 21, "3"):
        assert asked.find_errors({"people": wrong}) == {
            "people": "must be a whole number from 1 to 20"
        }


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (question("x", "number"), "a number needs low and high"),
        (question("x", "number", low=5, high=5), "low below high"),
        (question("x", "scale4", low=1), "only a number has low and high"),
        (question("x", options=[option("a", exclusive=True), option("b")]), "multiple"),
        (question("x", "multiple", about="sex"), "of kind single"),
    ],
)
def test_a_question_that_contradicts_itself_is_refused(
    broken: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        survey(broken)


LONG = "n" * 40


@pytest.mark.parametrize(
    ("questions", "message"),
    [
        ([question("channel")], "channel is a column of every export; choose another code"),
        ([question("Month", "scale4")], "Month is a column of every export"),
        ([question("OR")], "OR is a reserved word of SPSS; choose another code, such as OR_1"),
        ([question("used"), question("Used")], "used and Used are the same column"),
        (
            [question("known", "multiple"), question("known__yes")],
            "known__yes and known__yes are the same column",
        ),
        (
            [
                question(
                    LONG,
                    "multiple",
                    options=[option(f"{'o' * 30}_{end}") for end in ("here", "there")],
                )
            ],
            "have at most 64 characters; choose other or shorter codes",
        ),
    ],
)
def test_what_would_be_one_column_of_an_export_is_refused(
    questions: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        survey(*questions)


def test_a_further_language_is_whole_or_absent() -> None:
    options = [option("a", text_in={"bbc": "A"}), option("b", text_in={"bbc": "B"})]
    whole = survey(
        question("x", text_in={"bbc": "X"}, options=options),
        title_in={"bbc": "T"},
        introduction_in={"bbc": "I"},
    )
    assert whole.languages() == ["id", "en", "bbc"]
    with pytest.raises(ValidationError, match="bbc must be given for every text"):
        survey(question("x", options=options), title_in={"bbc": "T"}, introduction_in={"bbc": "I"})


def test_margins_name_every_option_of_a_question_about_the_person() -> None:
    sex = question("sex", about="sex", required=False)
    margin = {"source": "census", "shares": {"yes": 60, "no": 40}}
    assert survey(sex, population={"sex": margin}).population["sex"].shares["yes"] == 60
    with pytest.raises(ValidationError, match="needs a question about it"):
        survey(question("x"), population={"sex": margin})
    with pytest.raises(ValidationError, match="must name every option of sex"):
        survey(sex, population={"sex": margin | {"shares": {"yes": 1, "other": 1}}})


@pytest.mark.parametrize(
    ("questions", "message"),
    [
        ([question("r", "relational")], "relational needs relation"),
        ([question("r", relation=RELATION)], "only a relational question has relation"),
        ([relational("r", options=[option("a")])], "relational has no options"),
        ([relational("r"), relational("s")], "at most one relational question"),
        ([USED, relational("r", show_if={"question": "used", "any_of": ["no"]})], "depends on no"),
        ([relational("r", relation=RELATION | {"trust": [option("a")] * 3})], "must be unique"),
        ([relational("r", relation=RELATION | {"levels": [option("a")]})], "at least 4 items"),
    ],
)
def test_a_relational_question_says_what_is_asked_about_partners(
    questions: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        survey(*questions)


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        ({"s": ["T1", "used"]}, "scales.s: used is not a question of kind scale4"),
        ({"s": ["T1", "T9"]}, "scales.s: T9 is not a question of kind scale4"),
        ({"s": ["T1", "T1"]}, "scales.s names a question twice"),
        ({"s": ["T1", "T2"], "t": ["T2", "T1"]}, "two scales must not have the same questions"),
        ({"s": ["T1"]}, "at least 2 items"),
    ],
)
def test_a_scale_consists_of_different_questions_with_levels(
    scales: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        survey(USED, question("T1", "scale4"), question("T2", "scale4"), scales=scales)


def test_the_surveys_of_the_toba_pack_have_what_the_methods_read() -> None:
    surveys = {each.slug: each for each in read_feedback(TOBA).surveys}
    codes = {slug: {q.code: q for q in each.questions} for slug, each in surveys.items()}
    assert set(surveys) == {"awareness", "penilaian", "skm", "stakeholders"}
    assert set(codes["skm"]) == {f"U{n}" for n in range(1, 10)}
    statements = {f"{part}{n}" for part in "TPCL" for n in (1, 2, 3)}
    assert set(codes["stakeholders"]) == {*statements, "partners"}
    assert all(codes["stakeholders"][each].kind == "scale4" for each in statements)
    assert all(question.required for question in surveys["stakeholders"].questions)
    assert surveys["stakeholders"].relational is codes["stakeholders"]["partners"]
    assert {*map(tuple, surveys["stakeholders"].scales.values())} == {
        tuple(f"{part}{n}" for n in (1, 2, 3)) for part in "TPCL"
    }
    awareness = codes["awareness"]
    assert "none" in awareness["knows_portals"].condition_values()
    assert "yes" in awareness["knows_service_online"].condition_values()
    assert awareness["why_not"].condition_values() >= {
        "no_signal", "no_device", "did_not_know", "prefers_counter", "no_trust"
    }  # fmt: skip
