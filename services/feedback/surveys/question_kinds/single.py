"""Questions answered with one option."""

from services.feedback.surveys.columns import Value
from services.feedback.surveys.question_kinds.base import Answer, QuestionFields, QuestionKind


class Single(QuestionKind):
    """One option, by its code."""

    name = "single"
    allows_about = True

    def find_error(self, question: QuestionFields, answer: Answer) -> str | None:
        """Return an error unless the answer is the code of an option."""
        codes = self.option_keys(question)
        return None if answer in codes else f"must be one of {', '.join(codes)}"

    def column_values(self, question: QuestionFields, answer: Answer | None) -> list[Value]:
        """Return the number of the option."""
        codes = self.option_keys(question)
        return [codes.index(answer) + 1 if isinstance(answer, str) and answer in codes else None]
