"""Questions about relations: with whom an organisation works, how often, what is exchanged."""

from collections.abc import Collection, Iterator, Sequence

from services.feedback.surveys.columns import Column, Value
from services.feedback.surveys.question_kinds.base import Answer, QuestionFields, QuestionKind
from services.feedback.surveys.relation_schemas import PartnerReport


class Relational(QuestionKind):
    """Partners among the others who are invited to the round; nobody else is asked."""

    name = "relational"
    answer_type = "array"
    control = "relational"
    is_relational = True
    counts_answers = False

    def find_definition_error(self, question: QuestionFields) -> str | None:
        """Return an error unless there is a relation, and no options."""
        if question.relation is None:
            return "relational needs relation: what is asked about each partner"
        if question.options:
            return "relational has no options; see relation"
        parts = question.relation
        for name in ("frequencies", "exchanges", "trust", "value"):
            codes = [option.code for option in getattr(parts, name)]
            if len(set(codes)) != len(codes):
                return f"the codes of relation.{name} must be unique"
        return None

    def find_error(self, question: QuestionFields, answer: Answer) -> str | None:
        """Return an error: what organisations state about each other is no anonymous answer."""
        return "must be given in relations, by who is invited"

    def columns(self, question: QuestionFields) -> list[Column]:
        """Return no columns: exports are of anonymous responses."""
        return []

    def column_values(self, question: QuestionFields, answer: Answer | None) -> list[Value]:
        """Return no values."""
        return []


def find_report_errors(
    question: QuestionFields, reports: Sequence[PartnerReport], partners: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield the place and the error of each statement that does not fit the question."""
    relation = question.relation
    if relation is None:
        return
    frequencies = [option.code for option in relation.frequencies]
    exchanges = [option.code for option in relation.exchanges]
    seen: set[str] = set()
    for at, report in enumerate(reports):
        if report.partner not in partners:
            yield f"{at}/partner", "is not another one who is invited to this round"
        if report.partner in seen:
            yield f"{at}/partner", "must not be named twice"
        seen.add(report.partner)
        if report.frequency not in frequencies:
            yield f"{at}/frequency", f"must be one of {', '.join(frequencies)}"
        unknown = [code for code in report.exchanges if code not in exchanges]
        if unknown or len(set(report.exchanges)) != len(report.exchanges):
            yield f"{at}/exchanges", f"must be some of {', '.join(exchanges)}, each once"
