"""Response models of `GET metrics/scenario`."""

from pydantic import Field

from services.assessment.assessments.schemas import MethodReference
from services.assessment.scenarios.outcome import IndexResult
from services.platform.api_model import ApiModel
from services.platform.types import RegionCode

MAX_SCENARIO_CHANGES = 60
"""Scores that one question may set."""


class ScoreEffect(ApiModel):
    """What changes if indicators had other scores, every other one being as it is."""

    region: RegionCode
    period: int = Field(description="Calendar year whose evidence was read.")
    method: MethodReference
    evidence_hash: str = Field(description="Hash of the evidence that it starts from.")
    notices: list[str] = Field(description="What could not be read.")
    assumed: list[str] = Field(
        description="Indicators without evidence that the request gives a score."
    )
    base: float | None = Field(description="The index as it is; null without one.")
    result: IndexResult = Field(description="The index with the scores of the request.")
