"""Questions answered with a level from 1 to 4, as the SKM of PermenPANRB 14/2017 asks them."""

from services.feedback.surveys.columns import Value
from services.feedback.surveys.question_kinds.base import Answer, QuestionFields, QuestionKind

LEVELS = (1, 2, 3, 4)


class Scale4(QuestionKind):
    """A level from 1 to 4; the options are the texts of the levels."""

    name = "scale4"
    answer_type = "integer"
    column_kind = "ordinal"
    is_scale = True
    has_mean = True

    def find_definition_error(self, question: QuestionFields) -> str | None:
        """Return an error unless there is a text for each level."""
        if len(question.options) != len(LEVELS):
            return "scale4 needs four options, the texts of the levels 1, 2, 3 and 4"
        return None

    def find_error(self, question: QuestionFields, answer: Answer) -> str | None:
        """Return an error unless the answer is a level."""
        return None if answer in LEVELS else "must be 1, 2, 3 or 4"

    def option_keys(self, question: QuestionFields) -> list[str]:
        """Return the levels."""
        return [str(level) for level in LEVELS]

    def condition_values(self, question: QuestionFields) -> set[str | int]:
        """Return the levels."""
        return set(LEVELS)

    def column_values(self, question: QuestionFields, answer: Answer | None) -> list[Value]:
        """Return the level."""
        return [answer if isinstance(answer, int) else None]
