"""The typed clients of the services, for pages.

With `auth` requests are in the name of that caller; `language` is that of the page, in which
services tell what is wrong.
"""

import asyncio
from collections.abc import Mapping

import httpx
from fastapi import Request

from services.assessment.client import AssessmentClient
from services.catalog.client import CatalogClient
from services.catalog.spreadsheet.client import CatalogSpreadsheetClient
from services.feedback.client import FeedbackClient
from services.platform.languages import Language
from services.platform.settings import Service

AT_ONCE = 4
"""Requests of a page to a service at a time. A service keeps five connections to the database for
all; opening one more takes longer than most answers."""
LIMITS = "emall.limits"
"""Key of a request's scope: the limits of what its page asks, by service."""


def catalog_client(
    request: Request, *, auth: httpx.Auth | None = None, language: Language | None = None
) -> CatalogClient:
    """Return the client of the catalogue."""
    http, limit = _http(request, Service.catalog), _limit(request, Service.catalog)
    return CatalogClient(http, auth=auth, language=language, limit=limit)


def catalog_spreadsheet_client(
    request: Request, *, auth: httpx.Auth | None = None, language: Language | None = None
) -> CatalogSpreadsheetClient:
    """Return the client of the import of spreadsheets."""
    http, limit = _http(request, Service.catalog), _limit(request, Service.catalog)
    return CatalogSpreadsheetClient(http, auth=auth, language=language, limit=limit)


def feedback_client(
    request: Request, *, auth: httpx.Auth | None = None, language: Language | None = None
) -> FeedbackClient:
    """Return the client of feedback."""
    http, limit = _http(request, Service.feedback), _limit(request, Service.feedback)
    return FeedbackClient(http, auth=auth, language=language, limit=limit)


def assessment_client(
    request: Request, *, auth: httpx.Auth | None = None, language: Language | None = None
) -> AssessmentClient:
    """Return the client of assessment."""
    http, limit = _http(request, Service.assessment), _limit(request, Service.assessment)
    return AssessmentClient(http, auth=auth, language=language, limit=limit)


def _http(request: Request, service: Service) -> httpx.AsyncClient:
    clients: Mapping[Service, httpx.AsyncClient] = request.app.state.clients
    return clients[service]


def _limit(request: Request, service: Service) -> asyncio.Semaphore:
    limits: dict[Service, asyncio.Semaphore] = request.scope.setdefault(LIMITS, {})
    return limits.setdefault(service, asyncio.Semaphore(AT_ONCE))
