"""Surveys that a link opens for one response: what `/nilai` and `/survei/undangan` share."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated
from uuid import uuid4

import httpx
from fastapi import Path, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import StringConstraints

from services.feedback.client import InvitationSubject, SurveyDetail
from services.gateway.portal.page import Page
from services.gateway.portal.secret_links import SecretLink
from services.gateway.portal.surveys.form import (
    NOT_SENT,
    Fields,
    FormErrors,
    form_errors,
    response_id,
)
from services.gateway.portal.surveys.routes import SurveyParameters, form_page
from services.platform.service_client import RequestRejectedError

TokenPath = Annotated[str, StringConstraints(pattern=r"^[a-z2-7]{16}$"), Path()]
TOKEN = re.compile(r"[a-z2-7]{16}")


def thanks_of(path: str) -> str:
    """Return the address that thanks the respondent of a form's page."""
    return f"{path}/terima-kasih"


@dataclass(frozen=True)
class OpenedForm:
    """The form of a survey that a token opened, at the page of its link."""

    page: Page
    path: str
    link: SecretLink
    token: str
    detail: SurveyDetail
    parameters: SurveyParameters = field(default_factory=SurveyParameters)
    invitation: InvitationSubject | None = None

    async def show(
        self,
        values: Fields,
        *,
        errors: FormErrors | None = None,
        form_id: str | None = None,
        status: int = 200,
    ) -> Response:
        """Return the page of the form."""
        return no_store(
            await form_page(
                self.page,
                self.parameters,
                self.detail,
                values=values,
                errors=errors or FormErrors(),
                form_id=form_id or str(uuid4()),
                status=status,
                path=self.path,
                token=self.token,
                invitation=self.invitation,
            )
        )

    async def submit(
        self,
        request: Request,
        fields: Fields,
        send: Callable[[str], Awaitable[Mapping[str, str]]],
    ) -> Response:
        """Submit the answers, and show the form again with them if they were not stored.

        `send` submits them under the response's id and returns the query of the page of thanks.
        """
        form_id = response_id(fields) or str(uuid4())
        errors, status = FormErrors(response=self.page.messages.translate(NOT_SENT)), 503
        try:
            query = await send(form_id)
            target = httpx.URL(thanks_of(self.path), params={**self.page.language_query, **query})
            response = RedirectResponse(str(target), status_code=303)
            self.link.forget(response, request, self.path)
            return no_store(response)
        except RequestRejectedError as error:
            errors = form_errors(self.detail.survey, error.problem, self.page.messages)
            status = 422
        except httpx.HTTPError:
            pass  # the form is shown again with the submitted answers
        return await self.show(fields, errors=errors, form_id=form_id, status=status)


def no_store(response: Response) -> Response:
    """Keep the token out of caches."""
    response.headers["Cache-Control"] = "private, no-store"
    return response
