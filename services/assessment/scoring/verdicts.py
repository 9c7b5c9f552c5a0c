"""Verdicts of studies beside the scores, and how far both agree."""

from collections.abc import Mapping

from services.assessment.evidence.records import Verdict
from services.assessment.methods.definition import CollaborationMethod
from services.assessment.methods.verdict_scale import VerdictScale
from services.assessment.scoring.agreement import linear_weights, weighted_kappa
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.scores import EvidenceLink, StudyVerdict, VerdictAgreement

DECIMALS = 4


def verdicts_of(
    method: CollaborationMethod, facts: Facts, values: Mapping[str, float]
) -> dict[str, list[StudyVerdict]]:
    """Return the verdicts on each element and driver in the year; none without a scale."""
    scale = method.verdicts
    if scale is None:
        return {}
    found: dict[str, list[StudyVerdict]] = {}
    codes = {element.code for element in method.elements()}
    for item, verdict in facts.records(Verdict):
        if verdict.year == facts.period and verdict.element in codes:
            score = values.get(verdict.element)
            of_word = scale.rank_of_word(verdict.word)
            of_score = None if score is None else scale.rank_of_score(score)
            link = EvidenceLink(kind=item.kind, key=item.key, version=item.version, href=item.href)
            found.setdefault(verdict.element, []).append(
                StudyVerdict(
                    word=verdict.word,
                    band=_code(scale, of_word),
                    score_band=_code(scale, of_score),
                    agrees=None if of_word is None or of_score is None else of_word == of_score,
                    statement=verdict.statement,
                    passage=verdict.passage or "",
                    sources=verdict.sources,
                    evidence=link,
                )
            )
    return found


def agreement_of(
    method: CollaborationMethod, verdicts: Mapping[str, list[StudyVerdict]]
) -> VerdictAgreement | None:
    """Return the agreement of scores and verdicts; None without a verdict."""
    scale = method.verdicts
    if scale is None or not verdicts:
        return None
    ranks = {band.code: n for n, band in enumerate(scale.bands)}
    every = [one for listed in verdicts.values() for one in listed]
    counts = [[0 for _ in ranks] for _ in ranks]
    for one in every:
        if one.band is not None and one.score_band is not None:
            counts[ranks[one.band]][ranks[one.score_band]] += 1
    n = sum(map(sum, counts))
    found = weighted_kappa(counts, linear_weights(len(ranks)))
    low, high = (None, None) if found is None else found.interval
    return VerdictAgreement(
        verdicts=len(every),
        compared=n,
        equal=sum(row[place] for place, row in enumerate(counts)),
        bands=list(ranks),
        counts=counts,
        kappa=None if found is None else _rounded(found.kappa),
        low=None if low is None else _rounded(low),
        high=None if high is None else _rounded(high),
        reason=None if found is not None else "all that can be compared lies in one band",
    )


def _code(scale: VerdictScale, rank: int | None) -> str | None:
    return None if rank is None else scale.bands[rank].code


def _rounded(value: float) -> float:
    return round(value, DECIMALS) + 0.0
