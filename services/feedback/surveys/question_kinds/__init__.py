"""The kinds of questions; a new kind is a module here and an entry in `KINDS`."""

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from services.feedback.surveys.question_kinds.base import QuestionKind
from services.feedback.surveys.question_kinds.multiple import Multiple
from services.feedback.surveys.question_kinds.number import Number
from services.feedback.surveys.question_kinds.relational import Relational
from services.feedback.surveys.question_kinds.scale4 import Scale4
from services.feedback.surveys.question_kinds.single import Single

KINDS: dict[str, QuestionKind] = {
    kind.name: kind for kind in (Single(), Multiple(), Scale4(), Number(), Relational())
}


def _known(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"must be one of {', '.join(KINDS)}")
    return name


KindName = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(KINDS)})
]
