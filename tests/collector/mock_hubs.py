"""Hubs of other regencies: servers that answer what a hub of that version answers."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.assessment.bundles.contents import Parameters, make_bundle
from services.assessment.bundles.signing import Signer
from services.assessment.methods import library
from services.assessment.methods.definition import CollaborationMethod
from services.assessment.scoring.assess import assess
from services.platform.entity_tags import entity_tag, tag_matches
from tests.assessment.evidence_builders import facts, observation, toba_items
from tests.assessment.test_assess import CATALOG
from tests.servers import LOOPBACK

METHOD = "cgr-2015"
BROKEN = {
    "state": "broken",
    "incident_since": "2026-11-30T01:00:00Z",
    "checked_at": "2026-11-30T02:00:00Z",
}
FIRST = datetime(2026, 3, 1, tzinfo=UTC)


def bundle_of(
    region: str, share: float, *, signer: Signer, number: int, at: datetime = FIRST
) -> bytes:
    """Return the bundle of a regency where this share of programmes runs."""
    method = library.read_methods()[METHOD]
    assert isinstance(method, CollaborationMethod)
    key = "programmes-running-2024"
    stored = [item for item in toba_items() if item.key != key]
    read = facts(*stored, observation(key, "programmes_running", value=share), CATALOG)
    parameters = Parameters(
        id=UUID(int=number), region=region, period=read.period, method=method.id,
        method_version=method.version, method_hash=method.hash(), evidence_hash=read.hash(),
        seed=1, draws=100, recorded_at=at, recorded_by="diskominfo", software="0.1.0",
    )  # fmt: skip
    scores = assess(method, read, seed=1, draws=100)
    return make_bundle(parameters, method, read.items, scores, signer=signer)


@dataclass
class MockHub:
    """A hub whose answers a test sets; those about services and links are a real hub's."""

    region: str
    key: str
    """Fingerprint that it shows."""
    published: dict[UUID, bytes] = field(default_factory=dict[UUID, bytes])
    """Assessments by id, the newest first."""
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    """Other answers by path."""
    broken_links: frozenset[str] = frozenset()
    asked: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """Paths with their query that were asked for, and the status of each answer."""

    def app(self) -> Starlette:
        """Return the server."""
        return Starlette(routes=[Route("/{path:path}", self._answer)])

    async def _answer(self, request: Request) -> Response:
        path = request.url.path.removeprefix("/api/v1/")
        response = self._response(path, request)
        if response.status_code == 200:
            tag = entity_tag(bytes(response.body))
            if tag_matches(request.headers.get("if-none-match", ""), tag):
                response = Response(status_code=304)
            response.headers["ETag"] = tag
        self.asked.append((f"{path}?{request.url.query}".rstrip("?"), response.status_code))
        return response

    def _response(self, path: str, request: Request) -> Response:
        if path.startswith("assessments/"):
            archive = self.published.get(UUID(path.split("/")[1]))
            return Response(archive, 404 if archive is None else 200)
        listed = [
            {"id": str(id_), "period": 2024, "method": {"id": METHOD, "version": 2}}
            for id_ in self.published
        ]
        own: dict[str, Any] = {
            "status": {"region": self.region, "version": "0.1.0", "state": "ok"},
            "metrics/publishing-key": {"algorithm": "Ed25519", "fingerprint": self.key},
            "assessments": {"items": listed, "next": None},
        }
        found = json.loads(json.dumps((self.answers | own).get(path)))
        if path == "services" and not request.query_params["modified_after"].startswith("1970"):
            found["items"] = []
        for link in found["items"] if path == "links" else []:
            if link["slug"] in self.broken_links:
                link["health"] |= BROKEN
        return JSONResponse(found, 404 if found is None else 200)


def answers_of(hub: str) -> dict[str, Any]:
    """Return what a real hub answers to the questions of a collector."""
    paths = {
        "usage/reporting": "usage/reporting?period=2026",
        "links": "links?limit=100",
        "services": "services?modified_after=1970-01-01T00:00:00Z&limit=100",
    }
    found = {
        name: LOOPBACK.get(f"{hub}/api/v1/{path}", timeout=60).json()
        for name, path in paths.items()
    }
    found["services"]["next"] = None
    return found
