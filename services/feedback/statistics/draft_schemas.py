"""API models of drafts of monthly statistics."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from services.feedback.channels import ChannelKind
from services.feedback.statistics.schemas import MAX_STATISTICS, Counters
from services.platform.api_model import ApiModel
from services.platform.types import ShortText, Slug, StrictNumber, YearMonth

DraftState = Literal["none", "draft", "submitted", "approved"]

Revision = Annotated[int, Field(ge=0, le=1_000_000), StrictNumber]


class StatisticDraftFigures(ApiModel):
    """The month of one service through one channel."""

    service: Slug
    channel: ChannelKind
    counters: Counters


class StatisticDraftContent(ApiModel):
    """The figures of a month, as far as they are entered."""

    figures: list[StatisticDraftFigures] = Field(
        max_length=MAX_STATISTICS,
        description="Figures of the month, each of one service and channel.",
    )
    reason: ShortText | None = Field(
        None,
        description="Why figures are corrected that are stored already. Personal data is masked.",
    )


class StatisticDraftStep(ApiModel):
    """A step of a draft."""

    revision: Revision = Field(
        description="Revision that the caller has read: 0 before the first save. If it is not the "
        "last one, somebody has changed the draft since, and the answer is 409."
    )


class StatisticDraftSave(StatisticDraftStep, StatisticDraftContent):
    """Content of a draft."""


class StatisticDraftReopening(StatisticDraftStep):
    """Why a month is opened again."""

    reason: ShortText = Field(
        description="Why the draft is returned or corrected. Personal data is masked."
    )


class ReportableService(ApiModel):
    """A service of the agency on which it reports."""

    service: Slug
    name: str
    channels: list[ChannelKind] = Field(description="Channels of the catalogue.")


class StatisticDraftItem(ApiModel):
    """Where the month of an agency stands."""

    agency: Slug
    period: YearMonth = Field(description="Calendar month, such as `2024-03`.")
    state: DraftState = Field(
        description="`none`: nothing was saved; `draft`: being entered; `submitted`: waits for a "
        "second person; `approved`: its figures are stored, and it is locked."
    )
    revision: Revision = Field(description="Counts every change; 0 before the first save.")
    authors: list[str] = Field(
        description="Ids of those who saved or submitted it since it was last approved; none of "
        "them approves it."
    )
    saved_at: AwareDatetime | None = Field(description="When it was last saved.")
    saved_by: str | None = Field(description="Id of the person or key that saved it last.")
    submitted_at: AwareDatetime | None = Field(description="When it was submitted.")
    submitted_by: str | None = Field(description="Id of who submitted it.")
    approved_at: AwareDatetime | None = Field(description="When it was approved.")
    approved_by: str | None = Field(description="Id of who approved it.")
    reopened_at: AwareDatetime | None = Field(description="When it was last opened again.")
    reopened_by: str | None = Field(description="Id of who opened it again last.")
    reopened_reason: str | None = Field(description="Why it was opened again last.")


class StatisticDraft(StatisticDraftItem, StatisticDraftContent):
    """The month of an agency with its figures: of a draft those that were entered, otherwise the
    stored ones."""

    services: list[ReportableService] = Field(
        description="Services on which the agency reports, each with its channels."
    )


class StatisticDrafts(ApiModel):
    """Drafts of an agency, the latest month first."""

    items: list[StatisticDraftItem] = Field(description="Months with a draft.")
    next: str | None = None
