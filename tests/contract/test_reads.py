"""Reads do not write: every GET operation works on a database that refuses writes."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.gateway.connectors.mocks.oss import create_oss_mock
from tests.conftest import Server, execute
from tests.contract.document import unified_document_at_rest
from tests.contract.sending import (
    JSON,
    KINDS_OF_EVIDENCE,
    Sender,
    of_a_planned_meeting,
    of_an_announcement,
    of_an_attachment,
)
from tests.gateway.test_oss import NIB, connected, connected_settings
from tests.servers import serving

pytestmark = pytest.mark.contract

document = unified_document_at_rest()
READS = {
    operations["get"]["operationId"]: (path, operations["get"])
    for path, operations in document["paths"].items()
    if "get" in operations
}
MONTH = "2024-03"
QUERY = {
    "year": str(datetime.now(UTC).year),
    "period": "2024",
    "agency": "dukcapil",
    "by": "service",
    "population": "100",
    "query": "ktp",
}


@dataclass
class Reads:
    """A hub on a database that refuses writes, and the resources that were made before."""

    client: TestClient
    headers: dict[str, str]
    places: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def get(self, operation_id: str) -> Any:
        """Return the answer to a GET with the parameters that it requires."""
        path, operation = READS[operation_id]
        noun = path.split("/")[3] if path.startswith("/api/") else ""
        parameters = {
            each["name"]: MONTH if operation_id == "list_usage_statistics" else QUERY[each["name"]]
            for each in operation.get("parameters", ())
            if each.get("required") and each["in"] == "query"
        }
        address = path.format(**COMMON | self.places.get(noun, {}))
        return self.client.get(address, params=parameters, headers=self.headers)


COMMON = {
    "slug": "simbg",
    "region": "12.02",
    "round": "2024",
    "period": "2024-03",
    "version": "1",
    "incident": str(uuid4()),
    "nib": NIB,
    "license_id": "no-such",
    "code": "time",
    "number": "1",
    "announcement": str(uuid4()),
    "kind": "layanan",
    "file": "responses.csv",
    "extension": "json",
    "token": "k5xw4zlomn2ga3tb",
    "attachment": str(uuid4()),
    "ticket": "7K3M-9QXT-2C86",
    "node": "index",
    "id": str(uuid4()),
}


@pytest.fixture(scope="module")
def reads(server: Server, toba: str) -> Iterator[Reads]:
    """Resources are made on a hub; then its database becomes read-only, and a new hub starts."""
    with server.database_from(toba) as name, serving(create_oss_mock(), grace=0) as oss:
        settings = server.settings(name)
        with connected(settings, oss) as hub:
            sender = Sender(hub, document)
            ticket = sender.made("post_comment", key="reads")["ticket"]
            places = {
                "comments": {"ticket": ticket, "file": "sp4n.csv"},
                "surveys": {"slug": "skm", "id": sender.made("post_survey_follow_up")["id"]},
                "incidents": {"incident": sender.made("open_incident")["id"]},
                "assessments": {"id": sender.made("post_assessment")["id"]},
                "scenarios": {"id": sender.made("post_scenario")["id"]},
                "indices": {"id": "spbe-2020"},
                "evidence": of_an_attachment(sender),
                "services": {"slug": "ktp-el"},
                "agencies": {"slug": "dukcapil"},
                "life-events": {"slug": "kelahiran-anak"},
                "places": {"slug": "kantor-diskominfo"},
                "document-types": {"slug": "kartu-keluarga"},
                "sources": {"id": "study-2025"},
                "announcements": of_an_announcement("review", "publication")(sender),
                "meeting-plans": of_a_planned_meeting(sender),
                "webhooks": {"webhook": sender.made("create_webhook")["id"]},
                "usage": {"retraction": sender.made("retract_usage")["id"]},
            }
            for kind in KINDS_OF_EVIDENCE:
                path, _ = READS[f"get_{kind}"]
                places[path.split("/")[3]] = {"id": sender.made(f"post_{kind}")["id"]}
            headers = sender.admin
        read_only = f"ALTER DATABASE {name} SET default_transaction_read_only = on"
        asyncio.run(execute(server.url, read_only))
        with TestClient(
            create_app(connected_settings(settings, oss)),
            follow_redirects=False,
            raise_server_exceptions=False,
        ) as client:
            yield Reads(client, headers, places)


@pytest.mark.parametrize("operation_id", sorted(READS))
def test_a_read_works_on_a_read_only_database(reads: Reads, operation_id: str) -> None:
    answer = reads.get(operation_id)
    assert answer.status_code < 500, answer.text


def test_the_database_refuses_writes(reads: Reads) -> None:
    comment = document["paths"]["/api/v1/comments"]["post"]["requestBody"]["content"][JSON]
    answer = reads.client.post("/api/v1/comments", json=comment["example"])
    assert answer.status_code >= 500


@pytest.mark.slow
def test_most_reads_find_what_they_read(reads: Reads) -> None:
    """So that the first test does not pass because everything is missing."""
    found = [operation_id for operation_id in READS if reads.get(operation_id).status_code < 400]
    assert len(found) > 0.8 * len(READS), sorted(set(READS) - set(found))
