"""The typed clients of the services, for pages."""

from collections.abc import Mapping

import httpx
from fastapi import Request

from services.assessment.client import AssessmentClient
from services.catalog.client import CatalogClient
from services.feedback.client import FeedbackClient
from services.platform.settings import Service


def catalog_client(request: Request) -> CatalogClient:
    """Return the client of the catalogue."""
    return CatalogClient(_http(request, Service.catalog))


def feedback_client(request: Request, *, auth: httpx.Auth | None = None) -> FeedbackClient:
    """Return the client of feedback; with `auth` for requests of that caller."""
    return FeedbackClient(_http(request, Service.feedback), auth=auth)


def assessment_client(request: Request) -> AssessmentClient:
    """Return the client of assessment."""
    return AssessmentClient(_http(request, Service.assessment))


def _http(request: Request, service: Service) -> httpx.AsyncClient:
    clients: Mapping[Service, httpx.AsyncClient] = request.app.state.clients
    return clients[service]
