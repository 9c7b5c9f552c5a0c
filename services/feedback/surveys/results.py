"""Results of a survey: sums over bundles as counts per option, means, and the index."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import fmean, stdev

from services.feedback.surveys.aggregates import QuestionTally, ScaleTally, Tally, tally_key
from services.feedback.surveys.bundle_store import Bundle, Dimension
from services.feedback.surveys.definition import Question, QuestionOption, Survey, scale_key
from services.feedback.surveys.intervals import mean_interval, share_interval
from services.feedback.surveys.rounds import SurveyRound
from services.feedback.surveys.samples import find_no_interval_reason
from services.feedback.surveys.schemas import (
    GroupResults,
    OptionCount,
    QuestionResult,
    Sample,
    Satisfaction,
    ScaleResult,
    SkmElement,
)
from services.feedback.surveys.skm import Weight, ikm_of, priorities, sample_needed

MIXED = "mixed"


def answered_versions(bundles: Iterable[Bundle]) -> list[int]:
    """Return the versions of the survey that the responses of the bundles answered."""
    return sorted({version for bundle in bundles for version in bundle.versions})


def sum_tallies(bundles: Iterable[Bundle]) -> Tally:
    """Return the sum of the tallies of these bundles."""
    return sum((bundle.tally for bundle in bundles), start=Tally())


def sum_senders(bundles: Collection[Bundle]) -> int | None:
    """Return how many senders these bundles are from; None if one does not tell, or without any."""
    known = [bundle.senders for bundle in bundles if bundle.senders is not None]
    return sum(known) if known and len(known) == len(bundles) else None


def sum_modes(bundles: Iterable[Bundle]) -> dict[str, int]:
    """Return the responses of these bundles by mode; those of a bundle without modes are mixed."""
    counts: Counter[str] = Counter()
    for bundle in bundles:
        counts.update(bundle.modes or {MIXED: bundle.tally.n})
    return dict(sorted(counts.items()))


def sum_samples(bundles: Iterable[Bundle]) -> dict[str, int]:
    """Return the responses of these bundles by sample."""
    counts: Counter[str] = Counter()
    for bundle in bundles:
        counts[bundle.sample] += bundle.tally.n
    return dict(sorted(counts.items()))


def group_bundles(
    bundles: Iterable[Bundle], by: Dimension
) -> list[tuple[str | None, list[Bundle]]]:
    """Group bundles by a dimension; those whose responses differ in it are under None, last."""
    groups: defaultdict[str | None, list[Bundle]] = defaultdict(list)
    for bundle in bundles:
        groups[bundle.value(by)].append(bundle)
    return sorted(groups.items(), key=lambda group: (group[0] is None, group[0] or ""))


def group_results(
    definitions: Mapping[int, Survey],
    bundles: Collection[Bundle],
    *,
    weight: Weight,
    population: int | None = None,
) -> GroupResults:
    """Return the figures of a group; questions and options of older versions come last.

    With the population of which the responses are a sample, intervals are narrower.
    """
    tally = sum_tallies(bundles)
    by_sample = sum_samples(bundles)
    no_interval = find_no_interval_reason(by_sample)
    asked = [
        (question, tally.questions[tally_key(question)])
        for question in all_questions(definitions)
        if tally_key(question) in tally.questions
    ]
    return GroupResults(
        n=tally.n,
        senders=sum_senders(bundles),
        by_mode=sum_modes(bundles),
        by_sample=by_sample,
        questions=[
            question_result(
                question, counted, has_interval=no_interval is None, population=population
            )
            for question, counted in asked
        ],
        scales=[
            scale_result(code, questions, tally.scales[scale_key(questions)])
            for code, questions in definitions[max(definitions)].scales.items()
            if scale_key(questions) in tally.scales
        ],
        satisfaction=satisfaction(
            [question for question, _ in asked],
            tally,
            weight=weight,
            no_interval_because=no_interval,
            population=population,
        ),
    )


def all_questions(definitions: Mapping[int, Survey]) -> list[Question]:
    """Return every question that a survey ever had, in its newest wording, with every option.

    Answers from when a question was of another kind are excluded from its results.
    """
    found: dict[str, Question] = {}
    for version in sorted(definitions, reverse=True):
        for question in definitions[version].questions:
            newer = found.get(question.code)
            if newer is None:
                found[question.code] = question
                continue
            known = {option.code for option in newer.options}
            if newer.kind_rules.is_scale or newer.kind != question.kind:
                continue
            older = [option for option in question.options if option.code not in known]
            options: list[QuestionOption] = [*newer.options, *older]
            found[question.code] = newer.model_copy(update={"options": options})
    return list(found.values())


def question_result(
    question: Question, tally: QuestionTally, *, has_interval: bool, population: int | None
) -> QuestionResult:
    """Return the count of each option, and the mean if the kind has one; with intervals or not."""
    kind = question.kind_rules
    keys = kind.option_keys(question)
    options: list[OptionCount] = []
    for key, option in zip(keys, question.options, strict=True):
        count = tally.counts.get(key, 0)
        ends = (
            share_interval(count, tally.answered, population=population) if has_interval else None
        )
        options.append(
            OptionCount(
                code=option.code,
                text=option.text,
                text_en=option.text_en,
                count=count,
                share=count / tally.answered,
                low=None if ends is None else ends[0],
                high=None if ends is None else ends[1],
            )
        )
    ends = None
    if has_interval and kind.is_scale:
        levels = {int(key): tally.counts.get(key, 0) for key in keys}
        ends = mean_interval(levels, population=population)
    return QuestionResult(
        code=question.code,
        kind=question.kind,
        text=question.text,
        text_en=question.text_en,
        answered=tally.answered,
        mean=tally.total / tally.answered if kind.has_mean else None,
        low=None if ends is None else ends[0],
        high=None if ends is None else ends[1],
        options=options,
    )


def scale_result(code: str, questions: Sequence[str], tally: ScaleTally) -> ScaleResult:
    """Return the mean level over the questions, and how far apart the respondents are."""
    sums = Counter(tally.counts)
    means = [total / len(questions) for total in sorted(sums.elements())]
    return ScaleResult(
        code=code,
        questions=list(questions),
        n=len(means),
        mean=fmean(means),
        standard_deviation=round(stdev(means), 4),
        sums=dict(sorted(sums.items())),
    )


def satisfaction(
    questions: Sequence[Question],
    tally: Tally,
    *,
    weight: Weight,
    no_interval_because: str | None,
    population: int | None = None,
) -> Satisfaction | None:
    """Return the IKM of the responses that answer all nine elements; None if they are too few.

    It has an interval only if the respondents are a sample that was drawn.
    """
    if tally.skm is None:
        return None
    result = ikm_of(tally.skm, weight=weight, population=population)
    is_drawn = no_interval_because is None
    texts = {question.code: question for question in questions}
    return Satisfaction(
        ikm=float(result.ikm),
        grade=result.grade,
        low=float(result.low) if is_drawn else None,
        high=float(result.high) if is_drawn else None,
        standard_deviation=round(result.standard_deviation, 4),
        no_interval_because=no_interval_because,
        weight=weight,
        n=result.n,
        elements=[
            SkmElement(
                code=element.code,
                text=texts[element.code].text,
                text_en=texts[element.code].text_en,
                total=element.total,
                nrr=float(element.nrr),
            )
            for element in result.elements
        ],
        priorities=priorities(result),
    )


def assess_sample(population: int | None, n: int | None) -> Sample | None:
    """Return whether there are enough responses for a population; None without a population."""
    if population is None:
        return None
    needed = sample_needed(population)
    return Sample(population=population, needed=needed, enough=(n or 0) >= needed)


def find_sampled_round(
    bundles: Collection[Bundle], rounds: Iterable[SurveyRound]
) -> SurveyRound | None:
    """Return the round that all of these bundles are a sample of, by its design; None otherwise."""
    of_rounds = {(bundle.round, bundle.sample) for bundle in bundles}
    return next(
        (
            one
            for one in rounds
            if of_rounds == {(one.round, one.content.sample)}
            and one.content.sample != "self_selected"
        ),
        None,
    )


def response_rate(sampled: SurveyRound | None, n: int) -> float | None:
    """Return the share of those asked in a round who answered; None if it is unknown."""
    if sampled is None or not sampled.asked:
        return None
    answered = n if sampled.answered is None else sampled.answered
    return answered / sampled.asked if answered <= sampled.asked else None


def finite_population(sampled: SurveyRound | None, n: int) -> int | None:
    """Return the population of which n people are a sample; None if it is unknown or too small."""
    population = None if sampled is None else sampled.population
    return population if population is not None and n <= population else None
