"""Questions answered with any number of options."""

from services.feedback.surveys.columns import Column, Value, option_column
from services.feedback.surveys.question_kinds.base import Answer, QuestionFields, QuestionKind

CHOICE_VALUES = {0: ("0", "Tidak dipilih", "Not chosen"), 1: ("1", "Dipilih", "Chosen")}


class Multiple(QuestionKind):
    """Several options, as a list of their codes."""

    name = "multiple"
    answer_type = "array"
    control = "checkbox"
    allows_exclusive = True

    def find_error(self, question: QuestionFields, answer: Answer) -> str | None:
        """Return an error unless the answer lists options once, an exclusive one by itself."""
        codes = self.option_keys(question)
        if not isinstance(answer, list) or not set(answer) <= set(codes):
            return f"must be a list of some of {', '.join(codes)}"
        if len(set(answer)) != len(answer):
            return "must not name an option twice"
        if question.required and not answer:
            return "must name at least one option"
        exclusive = [o.code for o in question.options if o.exclusive and o.code in answer]
        if exclusive and len(answer) > 1:
            return f"{exclusive[0]} is exclusive; remove it or the other options"
        return None

    def columns(self, question: QuestionFields) -> list[Column]:
        """Return a column of 0 and 1 for each option."""
        return [
            Column(
                option_column(question.code, option.code),
                f"{question.text} {option.text}",
                f"{question.text_en} {option.text_en}",
                self.column_kind,
                CHOICE_VALUES,
            )
            for option in question.options
        ]

    def column_values(self, question: QuestionFields, answer: Answer | None) -> list[Value]:
        """Return 1 for each option that was chosen, 0 for the others."""
        if not isinstance(answer, list):
            return [None] * len(question.options)
        return [int(option.code in answer) for option in question.options]
