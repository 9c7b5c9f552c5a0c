"""Request and response models of a survey's follow-up plan."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from services.feedback.periods import PeriodText
from services.feedback.surveys.question_kinds.base import Code
from services.platform.api_model import ApiModel
from services.platform.types import LINES_PATTERN, Href, IsoDate, LineBreaks, ShortText, Slug

MAX_ACTIONS = 500

State = Literal["planned", "under_way", "done", "dropped"]
LongText = Annotated[
    str, StringConstraints(pattern=LINES_PATTERN, min_length=1, max_length=5000), LineBreaks
]


class FollowUp(ApiModel):
    """What an agency does about an element; a unit is responsible, never a named person."""

    agency: Slug = Field(description="The agency whose plan it belongs to.")
    period: PeriodText = Field(description="The period of the survey's results.")
    element: Code = Field(description="The question it is about, such as `U3`.")
    service: Slug | None = Field(None, description="The service, if it is about only one.")
    action: LongText = Field(description="What is done.")
    owner: ShortText = Field(description="The responsible unit or office, not a person.")
    due: IsoDate = Field(description="Due date.")
    state: State = Field("planned", description="How far the action is.")
    outcome: LongText | None = Field(
        None, description="The outcome; required once the state is done or dropped."
    )

    @model_validator(mode="after")
    def _check_outcome(self) -> "FollowUp":
        if self.state in {"done", "dropped"} and self.outcome is None:
            raise ValueError(f"an action that is {self.state} needs an outcome")
        return self


class FollowUpAction(ApiModel):
    """An action about an element of a survey, as an agency recorded it."""

    id: UUID
    survey: Slug
    version: int = Field(ge=1)
    content: FollowUp = Field(description="What is done, by whom and by when.")
    recorded_at: AwareDatetime
    href: Href


class Priority(ApiModel):
    """An element, in order of priority."""

    element: str
    text: str
    text_en: str
    nrr: float = Field(ge=1, le=4, description="Mean value of the element.")
    actions: int = Field(ge=0, description="Actions of this plan about it.")


class FollowUpPlan(ApiModel):
    """The elements of a period, the lowest first, and the actions about them."""

    survey: str
    period: str = Field(description="Period of the survey's results, such as `2024-S1`.")
    agency: str | None
    priorities: list[Priority] = Field(
        description="Of the satisfaction survey; empty if fewer than five people answered."
    )
    items: list[FollowUpAction] = Field(
        max_length=MAX_ACTIONS, description=f"By due date, at most {MAX_ACTIONS}."
    )
    next: Href | None = Field(default=None, description="Always null: the list is on one page.")


class OpenFollowUp(ApiModel):
    """Actions that are neither done nor dropped, of all surveys and periods."""

    items: list[FollowUpAction] = Field(
        max_length=MAX_ACTIONS, description=f"By due date, at most {MAX_ACTIONS}."
    )
