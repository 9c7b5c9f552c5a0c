"""The typed clients of the services, for pages."""

from collections.abc import Mapping

import httpx
from fastapi import Request

from services.assessment.client import AssessmentClient
from services.catalog.client import CatalogClient
from services.catalog.spreadsheet.client import CatalogSpreadsheetClient
from services.feedback.client import FeedbackClient
from services.platform.settings import Service


def catalog_client(request: Request, *, auth: httpx.Auth | None = None) -> CatalogClient:
    """Return the client of the catalogue; with `auth` for requests of that caller."""
    return CatalogClient(_http(request, Service.catalog), auth=auth)


def catalog_spreadsheet_client(
    request: Request, *, auth: httpx.Auth | None = None
) -> CatalogSpreadsheetClient:
    """Return the client of the import of spreadsheets."""
    return CatalogSpreadsheetClient(_http(request, Service.catalog), auth=auth)


def feedback_client(request: Request, *, auth: httpx.Auth | None = None) -> FeedbackClient:
    """Return the client of feedback; with `auth` for requests of that caller."""
    return FeedbackClient(_http(request, Service.feedback), auth=auth)


def assessment_client(request: Request, *, auth: httpx.Auth | None = None) -> AssessmentClient:
    """Return the client of assessment; with `auth` for requests of that caller."""
    return AssessmentClient(_http(request, Service.assessment), auth=auth)


def _http(request: Request, service: Service) -> httpx.AsyncClient:
    clients: Mapping[Service, httpx.AsyncClient] = request.app.state.clients
    return clients[service]
