"""Questions answered with a whole number."""

from services.feedback.surveys.columns import Value
from services.feedback.surveys.question_kinds.base import Answer, QuestionFields, QuestionKind


class Number(QuestionKind):
    """A whole number from `low` to `high`; a rare one could identify a person: not counted."""

    name = "number"
    answer_type = "integer"
    control = "number"
    column_kind = "number"
    has_bounds = True
    counts_answers = False
    has_mean = True

    def find_definition_error(self, question: QuestionFields) -> str | None:
        """Return an error if there are options, or no valid bounds."""
        if question.options:
            return "a number has no options"
        if question.low is None or question.high is None or question.low >= question.high:
            return "a number needs low and high, low below high"
        return None

    def find_error(self, question: QuestionFields, answer: Answer) -> str | None:
        """Return an error unless the answer lies within the bounds."""
        low, high = question.low or 0, question.high or 0
        is_valid = isinstance(answer, int) and low <= answer <= high
        return None if is_valid else f"must be a whole number from {low} to {high}"

    def column_values(self, question: QuestionFields, answer: Answer | None) -> list[Value]:
        """Return the number."""
        return [answer if isinstance(answer, int) else None]
