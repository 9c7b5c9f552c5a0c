"""The typed clients of the services, for pages.

With `auth` requests are in the name of that caller; `language` is that of the page, in which
services tell what is wrong.
"""

from collections.abc import Mapping

import httpx
from fastapi import Request

from services.assessment.client import AssessmentClient
from services.catalog.client import CatalogClient
from services.catalog.spreadsheet.client import CatalogSpreadsheetClient
from services.feedback.client import FeedbackClient
from services.platform.languages import Language
from services.platform.settings import Service


def catalog_client(
    request: Request, *, auth: httpx.Auth | None = None, language: Language | None = None
) -> CatalogClient:
    """Return the client of the catalogue."""
    return CatalogClient(_http(request, Service.catalog), auth=auth, language=language)


def catalog_spreadsheet_client(
    request: Request, *, auth: httpx.Auth | None = None, language: Language | None = None
) -> CatalogSpreadsheetClient:
    """Return the client of the import of spreadsheets."""
    return CatalogSpreadsheetClient(_http(request, Service.catalog), auth=auth, language=language)


def feedback_client(
    request: Request, *, auth: httpx.Auth | None = None, language: Language | None = None
) -> FeedbackClient:
    """Return the client of feedback."""
    return FeedbackClient(_http(request, Service.feedback), auth=auth, language=language)


def assessment_client(
    request: Request, *, auth: httpx.Auth | None = None, language: Language | None = None
) -> AssessmentClient:
    """Return the client of assessment."""
    return AssessmentClient(_http(request, Service.assessment), auth=auth, language=language)


def _http(request: Request, service: Service) -> httpx.AsyncClient:
    clients: Mapping[Service, httpx.AsyncClient] = request.app.state.clients
    return clients[service]
