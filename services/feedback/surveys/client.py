"""Requests about rounds, invitations and follow-up plans of surveys, part of feedback's client."""

from collections.abc import Sequence
from uuid import UUID

from services.feedback.surveys.follow_up_schemas import FollowUp, FollowUpAction, OpenFollowUp
from services.feedback.surveys.invitation_schemas import (
    InvitationRequest,
    Invitations,
    Invited,
)
from services.feedback.surveys.round_schemas import Round, RoundSummary, StoredRound, SurveyRounds
from services.platform.service import API
from services.platform.service_client import RequestRejectedError, ServiceClient, parse


class SurveyWorkClient(ServiceClient):
    """Requests of those who hold surveys and act on their results."""

    async def list_rounds(self, slug: str) -> list[RoundSummary]:
        """Return the rounds of a survey, the newest first; none if there is no such survey."""
        found = await self._find(SurveyRounds, f"{API}/surveys/{slug}/rounds")
        return [] if found is None else found.items

    async def find_round(self, slug: str, code: str) -> tuple[StoredRound, str] | None:
        """Return a round with its entity tag; None if there is none."""
        try:
            response = await self._request("GET", _round(slug, code))
        except RequestRejectedError as error:
            if error.status == 404:
                return None
            raise
        return parse(StoredRound, response), response.headers["ETag"]

    async def put_round(self, slug: str, code: str, content: Round, *, tag: str | None) -> None:
        """Store a new round, or change the one that has this entity tag."""
        headers = {} if tag is None else {"If-Match": tag}
        body = content.model_dump(mode="json")
        await self._request("PUT", _round(slug, code), json=body, headers=headers)

    async def delete_round(self, slug: str, code: str) -> None:
        """Delete a round that nobody has answered."""
        await self._request("DELETE", _round(slug, code))

    async def list_invitations(self, slug: str, code: str) -> Invitations:
        """Return who is invited to a round, with the links of those who have not answered."""
        return await self._get(Invitations, f"{_round(slug, code)}/invitations")

    async def invite_stakeholders(self, slug: str, code: str, invited: Sequence[Invited]) -> None:
        """Invite stakeholders to a round; who is invited already keeps the link."""
        body = InvitationRequest(invited=list(invited)).model_dump(mode="json")
        await self._request("POST", f"{_round(slug, code)}/invitations", json=body)

    async def list_open_follow_up(self, *, agency: str) -> list[FollowUpAction]:
        """Return what an agency has yet to do about the results of surveys, by due date."""
        query = {"agency": agency}
        return (await self._get(OpenFollowUp, f"{API}/surveys/follow-up/open", query=query)).items

    async def find_follow_up_action(self, slug: str, id: UUID) -> tuple[FollowUpAction, str] | None:
        """Return an action with its entity tag; None if there is none."""
        try:
            response = await self._request("GET", f"{API}/surveys/{slug}/follow-up/{id}")
        except RequestRejectedError as error:
            if error.status == 404:
                return None
            raise
        return parse(FollowUpAction, response), response.headers["ETag"]

    async def add_follow_up(self, slug: str, action: FollowUp, *, idempotency_key: str) -> None:
        """Record what an agency does about an element."""
        await self._request(
            "POST",
            f"{API}/surveys/{slug}/follow-up",
            json=action.model_dump(mode="json"),
            headers={"Idempotency-Key": idempotency_key},
        )

    async def change_follow_up(self, slug: str, id: UUID, action: FollowUp, *, tag: str) -> None:
        """Store a further version of the action that has this entity tag."""
        await self._request(
            "PUT",
            f"{API}/surveys/{slug}/follow-up/{id}",
            json=action.model_dump(mode="json"),
            headers={"If-Match": tag},
        )


def _round(slug: str, code: str) -> str:
    return f"{API}/surveys/{slug}/rounds/{code}"
