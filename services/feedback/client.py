"""Client of feedback, for the gateway."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal
from urllib.parse import quote
from uuid import UUID

import httpx
from pydantic import Field

from services.feedback.comments.schemas import (
    CommentCase,
    CommentFiled,
    CommentForm,
    CommentItem,
    ContactDetails,
)
from services.feedback.comments.summary_schemas import CommentSummary
from services.feedback.events.schemas import EventsStored, UsageEvent, UsageEventBatch
from services.feedback.helpfulness.schemas import Helpfulness, HelpfulnessCounted
from services.feedback.names_schemas import NAMES, OfferedService, PublishedNames
from services.feedback.statistics.draft_schemas import (
    DraftState,
    ReportableService,
    StatisticDraft,
    StatisticDraftFigures,
    StatisticDraftItem,
    StatisticDrafts,
)
from services.feedback.statistics.flag_schemas import StatisticFlag, StatisticFlags
from services.feedback.statistics.messages import error_text
from services.feedback.statistics.number_parsing import CellValueError, parse_count
from services.feedback.statistics.obligation_schemas import (
    Reporting,
    ReportingCalendar,
    ReportingMonth,
)
from services.feedback.statistics.schemas import (
    Counters,
    Revisions,
    Statistic,
    StatisticBatch,
    StatisticRevision,
    StatisticsReceipt,
    UploadReceipt,
    UploadRow,
)
from services.feedback.statistics.summary_schemas import UsageCount, UsageSummary
from services.feedback.surveys.client import SurveyWorkClient
from services.feedback.surveys.definition import STORED_CONTEXT, Question, Survey
from services.feedback.surveys.follow_up_schemas import (
    FollowUp,
    FollowUpAction,
    FollowUpPlan,
)
from services.feedback.surveys.invitation_schemas import (
    MAX_INVITED,
    Invitations,
    InvitationSubject,
    Invited,
)
from services.feedback.surveys.question_kinds.base import Answer
from services.feedback.surveys.rating_schemas import RatingTokenSubject
from services.feedback.surveys.round_schemas import Round, RoundSummary, StoredRound
from services.feedback.surveys.schemas import (
    OptionCount,
    ResponseStored,
    SurveyDetail,
    SurveyForm,
    SurveyItem,
    SurveyResults,
)
from services.platform.languages import Language
from services.platform.paging import Page
from services.platform.problems import Problem
from services.platform.service import API
from services.platform.service_client import parse

UsageDimension = Literal["month", "service", "channel", "link", "district"]
"""By what the sums of use are asked for."""

__all__ = [
    "MAX_INVITED",
    "Answer",
    "CellValueError",
    "CommentCase",
    "CommentForm",
    "CommentItem",
    "Counters",
    "DraftState",
    "FeedbackClient",
    "FollowUp",
    "FollowUpAction",
    "FollowUpPlan",
    "InvitationSubject",
    "Invitations",
    "Invited",
    "OfferedService",
    "OptionCount",
    "PublishedNames",
    "Question",
    "RatingTokenSubject",
    "ReportableService",
    "ReportingMonth",
    "Round",
    "RoundSummary",
    "Statistic",
    "StatisticDraft",
    "StatisticDraftFigures",
    "StatisticDraftItem",
    "StatisticFlag",
    "StatisticRevision",
    "StatisticsReceipt",
    "StoredRound",
    "Survey",
    "SurveyDetail",
    "SurveyItem",
    "SurveyResults",
    "UploadProblem",
    "UploadReceipt",
    "UploadRow",
    "UsageCount",
    "UsageDimension",
    "UsageEvent",
    "error_text",
    "parse_count",
]


DRAFTS = f"{API}/usage/statistics/drafts"


class UploadProblem(Problem):
    """The problem document of a rejected file."""

    rows: list[UploadRow] = Field(default_factory=list[UploadRow])


class FeedbackClient(SurveyWorkClient):
    """Requests to feedback.

    Forms send what people typed, which feedback validates and answers with the fields in error. So
    `submit_response` and `submit_comment` take plain values, not the models of the requests.
    """

    async def put_names(self, names: PublishedNames) -> None:
        """Replace the names that events, statistics, surveys and comments may use."""
        await self._request("PUT", NAMES, json=names.model_dump(mode="json"))

    # Surveys

    async def list_surveys(self) -> list[SurveyItem]:
        """Return the current surveys."""
        return (await self._get(Page[SurveyItem], f"{API}/surveys")).items

    async def find_survey(self, slug: str) -> SurveyDetail | None:
        """Return a survey with its questions; None if there is no such survey."""
        return await self._find(SurveyDetail, f"{API}/surveys/{slug}", context=STORED_CONTEXT)

    async def find_results(
        self,
        slug: str,
        *,
        period: str | None = None,
        agency: str | None = None,
        survey_round: str | None = None,
    ) -> SurveyResults | None:
        """Return the results of a survey; None if there is no such survey."""
        query = {"period": period, "agency": agency, "round": survey_round}
        return await self._find(SurveyResults, f"{API}/surveys/{slug}/results", query=query)

    async def find_follow_up(
        self, slug: str, *, period: str | None = None, agency: str | None = None
    ) -> FollowUpPlan | None:
        """Return the follow-up plan of a survey; None if there is no such survey."""
        query = {"period": period, "agency": agency}
        return await self._find(FollowUpPlan, f"{API}/surveys/{slug}/follow-up", query=query)

    async def submit_response(
        self,
        survey: str,
        *,
        response_id: str,
        mode: str,
        version: int,
        answers: Mapping[str, Answer],
        form: Mapping[str, str],
        headers: Mapping[str, str],
        subject: Mapping[str, str] | None = None,
        token: str | None = None,
        relations: Mapping[str, object] | None = None,
    ) -> ResponseStored:
        """Submit a response with headers that describe its sender.

        `subject` holds what it is about, `form` the form's token and its hidden field, `token`
        proves a use or an invitation, `relations` what is stated about partners.
        """
        body = {"id": response_id, "mode": mode, "version": version, "answers": dict(answers)}
        more: dict[str, object] = {**(subject or {}), **form}
        more |= {"token": token} if token is not None else {}
        more |= {"relations": dict(relations)} if relations else {}
        path = f"{API}/surveys/{survey}/responses"
        response = await self._request("POST", path, json=body | more, headers=headers)
        return parse(ResponseStored, response)

    async def collect_response(
        self, survey: str, content: bytes, *, headers: Mapping[str, str]
    ) -> httpx.Response:
        """Submit a response that an enumerator's device collected, as its JSON."""
        path = f"{API}/surveys/{survey}/responses"
        more = {"Content-Type": "application/json"}
        return await self._request("POST", path, content=content, headers={**headers, **more})

    async def get_survey_form(self, survey: str) -> SurveyForm:
        """Return what a form of a survey needs besides its questions."""
        return await self._get(SurveyForm, f"{API}/surveys/{survey}/form")

    async def find_rating_token(self, token: str) -> RatingTokenSubject | None:
        """Return what a rating token was issued for; None once it was used or has expired."""
        return await self._find(
            RatingTokenSubject,
            f"{API}/usage/rating-tokens/subject",
            headers={"Rating-Token": token},
        )

    async def find_invitation(self, token: str) -> InvitationSubject | None:
        """Return what an invitation is to; None once it is answered, or while it is not open."""
        return await self._find(
            InvitationSubject,
            f"{API}/surveys/invitations/subject",
            headers={"Invitation-Token": token},
        )

    # Comments

    async def get_comment_form(self) -> CommentForm:
        """Return the data of the form for comments."""
        return await self._get(CommentForm, f"{API}/comments/form")

    async def submit_comment(
        self, fields: Mapping[str, object], *, idempotency_key: str, headers: Mapping[str, str]
    ) -> CommentFiled:
        """Submit a comment with headers that describe its sender."""
        more = {"Idempotency-Key": idempotency_key}
        response = await self._request(
            "POST", f"{API}/comments", json=fields, headers={**headers, **more}
        )
        return parse(CommentFiled, response)

    async def find_comment(self, ticket: str, *, secret: str | None) -> CommentCase | None:
        """Return a comment; None if there is no such ticket, or no ticket can have this code."""
        return await self._find(
            CommentCase, _comment(ticket), headers=_secret(secret), absent=(404, 422)
        )

    async def reply_to_comment(
        self,
        ticket: str,
        *,
        secret: str | None,
        text: str,
        keep_personal_data: bool,
        idempotency_key: str,
    ) -> None:
        """Add a citizen's reply."""
        headers = {**_secret(secret), "Idempotency-Key": idempotency_key}
        body = {"text": text, "keep_personal_data": keep_personal_data}
        await self._request("POST", f"{_comment(ticket)}/replies", json=body, headers=headers)

    async def correct_comment(
        self, ticket: str, *, secret: str | None, fields: Mapping[str, object]
    ) -> None:
        """Replace the text and place of a comment."""
        path = f"{_comment(ticket)}/text"
        await self._request("PUT", path, json=fields, headers=_secret(secret))

    async def erase_comment(self, ticket: str, *, secret: str | None) -> None:
        """Erase a comment."""
        await self._request("DELETE", _comment(ticket), headers=_secret(secret))

    async def delete_photo(self, ticket: str, photo: UUID, *, secret: str | None) -> None:
        """Delete a photo of a comment."""
        path = f"{_comment(ticket)}/attachments/{photo}"
        await self._request("DELETE", path, headers=_secret(secret))

    async def attach_photo(self, ticket: str, *, secret: str | None, content: bytes) -> None:
        """Attach a photo; feedback reads its format from the content."""
        headers = {**_secret(secret), "Content-Type": "image/jpeg"}
        await self._request(
            "POST", f"{_comment(ticket)}/attachments", content=content, headers=headers
        )

    async def get_photo(self, ticket: str, photo: UUID, *, secret: str | None) -> httpx.Response:
        """Return a photo with its headers."""
        path = f"{_comment(ticket)}/attachments/{photo}"
        return await self._request("GET", path, headers=_secret(secret))

    async def withdraw_contact(self, ticket: str, *, secret: str | None) -> None:
        """Withdraw the consent to store the contact, which erases it."""
        await self._request("DELETE", f"{_comment(ticket)}/contact", headers=_secret(secret))

    async def list_comments(
        self,
        *,
        agency: str | None,
        state: str | None = None,
        under_review: bool | None = None,
        overdue: bool | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> Page[CommentItem]:
        """Return the comments to an agency, the newest first; to all, without one."""
        query = {
            "agency": agency,
            "state": state,
            "under_review": under_review,
            "overdue": overdue,
            "limit": limit,
            "cursor": cursor,
        }
        return await self._get(Page[CommentItem], f"{API}/comments", query=query)

    async def list_all_comments(
        self,
        *,
        agency: str | None,
        state: str | None = None,
        under_review: bool | None = None,
        overdue: bool | None = None,
        most: int,
    ) -> list[CommentItem]:
        """Return about the newest `most` comments to an agency; to all, without one."""
        query = {
            "agency": agency,
            "state": state,
            "under_review": under_review,
            "overdue": overdue,
            "limit": 100,
        }
        return await self._list(Page[CommentItem], f"{API}/comments", query=query, most=most)

    async def answer_comment(
        self,
        ticket: str,
        *,
        text: str,
        state: Literal["answered", "in_progress"],
        idempotency_key: str,
    ) -> None:
        """Add the agency's answer, or an interim reply."""
        headers = {"Idempotency-Key": idempotency_key}
        body = {"text": text, "state": state}
        await self._request("POST", f"{_comment(ticket)}/replies", json=body, headers=headers)

    async def change_comment_state(self, ticket: str, change: Mapping[str, str]) -> None:
        """Change the state of a comment; `change` has the fields of `StateChange`."""
        await self._request("POST", f"{_comment(ticket)}/states", json=change)

    async def publish_comment(self, ticket: str, *, text: str | None) -> None:
        """Publish the text of a comment, or a shortened one."""
        body = {} if text is None else {"text": text}
        await self._request("PUT", f"{_comment(ticket)}/publication", json=body)

    async def unpublish_comment(self, ticket: str) -> None:
        """Withdraw the publication of a comment."""
        await self._request("DELETE", f"{_comment(ticket)}/publication")

    async def read_comment_contact(self, ticket: str) -> ContactDetails:
        """Return the contact of a comment; the access is recorded in its timeline."""
        return parse(
            ContactDetails, await self._request("POST", f"{_comment(ticket)}/contact/reads")
        )

    async def get_comment_summary(self, period: str) -> CommentSummary:
        """Return how the comments of a period were answered, by agency."""
        query = {"period": period, "by": "agency"}
        return await self._get(CommentSummary, f"{API}/comments/summary", query=query)

    # Usage

    async def submit_events(self, events: Sequence[UsageEvent]) -> EventsStored:
        """Submit usage events, which are stored as a whole or not at all."""
        batch = UsageEventBatch(events=list(events))
        response = await self._request(
            "POST", f"{API}/usage/events", json=batch.model_dump(mode="json", exclude_none=True)
        )
        return parse(EventsStored, response)

    async def get_usage_by_service(self, first: date, last: date) -> UsageSummary:
        """Return the sums of events and statistics between two days, by service."""
        query = {"from": str(first), "to": str(last), "group_by": "service"}
        return await self._get(UsageSummary, f"{API}/usage/summary", query=query)

    async def get_usage(self, first: date, last: date, *, by: UsageDimension) -> UsageSummary:
        """Return the sums of events and statistics between two days, by a dimension."""
        query = {"from": str(first), "to": str(last), "group_by": by}
        return await self._get(UsageSummary, f"{API}/usage/summary", query=query)

    async def get_usage_by_channel(self, first: date, last: date) -> UsageSummary:
        """Return the sums of events and statistics between two days, by channel."""
        query = {"from": str(first), "to": str(last), "group_by": "channel"}
        return await self._get(UsageSummary, f"{API}/usage/summary", query=query)

    async def say_whether_helpful(
        self, service: str, *, helpful: bool, headers: Mapping[str, str]
    ) -> HelpfulnessCounted:
        """Say whether the page of a service helped, with headers that describe the sender."""
        response = await self._request(
            "POST",
            f"{API}/usage/helpfulness",
            json={"service": service, "helpful": helpful},
            headers=headers,
        )
        return parse(HelpfulnessCounted, response)

    async def get_helpfulness(self, first: date, last: date) -> Helpfulness:
        """Return how often the pages of services helped between two days, by service."""
        query = {"from": str(first), "to": str(last)}
        return await self._get(Helpfulness, f"{API}/usage/helpfulness", query=query)

    # Monthly statistics

    async def list_reporting_months(
        self, *, first: str | None = None, last: str | None = None, agency: str | None = None
    ) -> list[ReportingMonth]:
        """Return the months to report between two such as `2024-03`; default: the last year."""
        query = {"from": first, "to": last, "agency": agency}
        return (await self._get(ReportingCalendar, f"{API}/usage/completeness", query=query)).items

    async def count_reports(self, year: int) -> Reporting:
        """Return how many monthly reports of a year are due, and how many were received."""
        return await self._get(Reporting, f"{API}/usage/reporting", query={"period": year})

    async def submit_statistics(self, statistics: Sequence[Statistic]) -> StatisticsReceipt:
        """Submit monthly statistics, which are stored as a whole or not at all."""
        batch = StatisticBatch(statistics=list(statistics))
        response = await self._request(
            "POST",
            f"{API}/usage/statistics",
            json=batch.model_dump(mode="json", exclude_none=True),
        )
        return parse(StatisticsReceipt, response)

    async def upload_statistics(
        self, content: bytes, *, media_type: str, dry_run: bool, language: Language
    ) -> UploadReceipt:
        """Submit a file of monthly statistics; a rejection has an `UploadProblem`."""
        response = await self._request(
            "POST",
            f"{API}/usage/statistics/upload",
            query={"dry_run": dry_run, "lang": language},
            content=content,
            headers={"Content-Type": media_type},
        )
        return parse(UploadReceipt, response)

    async def get_template(
        self, form: Literal["xlsx", "csv"], *, first: str | None = None, last: str | None = None
    ) -> httpx.Response:
        """Return the template file of the caller's agency with its headers."""
        query = {"format": form, "from": first, "to": last}
        return await self._request("GET", f"{API}/usage/statistics/template", query=query)

    async def list_statistics(self, period: str, *, agency: str) -> list[StatisticRevision]:
        """Return the current figures of a month."""
        query = {"period": period, "agency": agency}
        found = await self._get(Revisions, f"{API}/usage/statistics", query=query)
        return [item for item in found.items if item.is_current]

    async def list_drafts(
        self,
        *,
        agency: str | None = None,
        first: str | None = None,
        last: str | None = None,
        state: Literal["submitted"] | None = None,
    ) -> list[StatisticDraftItem]:
        """Return drafts of the last year or of a span of months, or all that wait for approval.

        Without an agency those of the caller's; of all, for an administrator of none.
        """
        query = {"agency": agency, "from": first, "to": last, "state": state}
        return (await self._get(StatisticDrafts, DRAFTS, query=query)).items

    async def get_draft(self, period: str) -> StatisticDraft:
        """Return a month of the caller's agency as it is entered."""
        return await self._get(StatisticDraft, f"{DRAFTS}/{period}")

    async def save_draft(
        self,
        period: str,
        figures: Sequence[StatisticDraftFigures],
        *,
        reason: str | None,
        revision: int,
    ) -> StatisticDraft:
        """Save the draft of a month."""
        body = {
            "figures": [each.model_dump(mode="json", exclude_none=True) for each in figures],
            "reason": reason,
            "revision": revision,
        }
        return parse(StatisticDraft, await self._request("PUT", f"{DRAFTS}/{period}", json=body))

    async def check_draft(self, period: str, *, revision: int) -> StatisticsReceipt:
        """Return what approving a draft would store, and the doubts that would raise."""
        body = {"revision": revision}
        response = await self._request("POST", f"{DRAFTS}/{period}/check", json=body)
        return parse(StatisticsReceipt, response)

    async def submit_draft(self, period: str, *, revision: int) -> None:
        """Submit a draft for approval."""
        body = {"revision": revision}
        await self._request("POST", f"{DRAFTS}/{period}/submission", json=body)

    async def approve_draft(self, period: str, *, revision: int) -> None:
        """Approve a submitted draft, which stores its figures."""
        body = {"revision": revision}
        await self._request("POST", f"{DRAFTS}/{period}/approval", json=body)

    async def reopen_draft(self, period: str, *, reason: str, revision: int) -> None:
        """Open a submitted or approved month again."""
        body = {"revision": revision, "reason": reason}
        await self._request("POST", f"{DRAFTS}/{period}/reopening", json=body)

    async def list_flags(self, state: Literal["open", "explained", "resolved"]) -> StatisticFlags:
        """Return the flags of the caller's agency that have a state."""
        query = {"state": state}
        return await self._get(StatisticFlags, f"{API}/usage/statistics/flags", query=query)

    async def explain_flag(self, flag: str, explanation: str) -> None:
        """Store the explanation of a flagged figure."""
        path = f"{API}/usage/statistics/flags/{flag}/explanation"
        await self._request("POST", path, json={"explanation": explanation})


def _comment(ticket: str) -> str:
    return f"{API}/comments/{quote(ticket, safe='')}"


def _secret(secret: str | None) -> dict[str, str]:
    return {"Ticket-Token": secret} if secret else {}
