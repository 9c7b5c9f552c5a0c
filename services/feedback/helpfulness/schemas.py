"""What goes over the wire about whether pages helped."""

from datetime import date

from pydantic import Field

from services.platform.api_model import ApiModel
from services.platform.types import Slug


class HelpfulnessAnswer(ApiModel):
    """Whether the page of a service helped somebody."""

    service: Slug
    helpful: bool = Field(strict=True, description="Whether it did.")


class HelpfulnessCounted(ApiModel):
    """Whether an answer was counted."""

    counted: bool = Field(
        description="False for a second answer of a sender about a service on one day."
    )


class HelpfulnessCount(ApiModel):
    """How often the page of a service helped and did not."""

    service: Slug
    day: date | None = Field(description="Null without `by_day`: the sum of the span.")
    helpful: int = Field(ge=0, description="Answers that it did.")
    unhelpful: int = Field(ge=0, description="Answers that it did not.")


class Helpfulness(ApiModel):
    """Answers of a span of days."""

    first: date = Field(description="First day of the span.")
    last: date = Field(description="Last day of the span.")
    items: list[HelpfulnessCount] = Field(description="By service, and by day if wanted.")
