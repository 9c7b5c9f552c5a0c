"""Routing table: which service owns which path."""

from collections.abc import Mapping

from services.platform.service import API
from services.platform.settings import Service

GATEWAY_AREAS = frozenset(
    {
        "announcements",
        "attendance",
        "audit",
        "backups",
        "connectors",
        "consumption",
        "incidents",
        "handovers",
        "invitations",
        "jobs",
        "keys",
        "links",
        "maintenance",
        "meeting-plans",
        "month-reminders",
        "offline-catalog",
        "oss",
        "people",
        "sessions",
        "settings",
        "simbg",
        "status",
        "webhooks",
    }
)
"""First segments under `/api/v1/` that the gateway answers itself."""


OWNERS: Mapping[str, Service] = {
    "services": Service.catalog,
    "agencies": Service.catalog,
    "life-events": Service.catalog,
    "places": Service.catalog,
    "document-types": Service.catalog,
    "sources": Service.catalog,
    "catalog": Service.catalog,
    "exports": Service.catalog,
    "usage": Service.feedback,
    "surveys": Service.feedback,
    "comments": Service.feedback,
    "methods": Service.assessment,
    "assessments": Service.assessment,
    "metrics": Service.assessment,
    "indices": Service.assessment,
    "bundles": Service.assessment,
    "publishers": Service.assessment,
    "scenarios": Service.assessment,
    "network": Service.assessment,
    "network.svg": Service.assessment,
    "network.graphml": Service.assessment,
    "evidence": Service.assessment,
    "stakeholders": Service.assessment,
    "meetings": Service.assessment,
    "agreements": Service.assessment,
    "decisions": Service.assessment,
    "programmes": Service.assessment,
    "risks": Service.assessment,
    "recognitions": Service.assessment,
    "observations": Service.assessment,
    "index-values": Service.assessment,
    "index-levels": Service.assessment,
    "verdicts": Service.assessment,
    "declarations": Service.assessment,
}
"""Service by first segment under `/api/v1/`; the gateway answers all others itself."""


_PREFIX = f"{API}/"


def owner_of(path: str) -> Service | None:
    """Return the service that answers this path, or None for the gateway itself."""
    if path.startswith("/open311/"):
        return Service.feedback
    if path == "/hsds" or path.startswith("/hsds/"):
        return Service.catalog
    if not path.startswith(_PREFIX):
        return None
    return OWNERS.get(path[len(_PREFIX) :].partition("/")[0])


def area_of(path: str) -> str:
    """Return the area of a path, as usage metering reports it."""
    if not path.startswith(_PREFIX):
        return "pages"
    name = path[len(_PREFIX) :].partition("/")[0]
    return name if name in OWNERS or name in GATEWAY_AREAS else "other"
