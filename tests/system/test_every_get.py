"""Every GET operation of the OpenAPI document over a real socket, beside its in-process answer.

A test client that calls the application in process does not see a wrong `Content-Length`; a server
cuts the body there, or fails. So each operation is asked twice, of two hubs on one database.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from tests.conftest import Server, new_key
from tests.contract.document import unified_document_at_rest
from tests.servers import exchange, serving

API = "/api/v1"
document = unified_document_at_rest()
GETS: dict[str, tuple[str, dict[str, Any]]] = {
    operations["get"]["operationId"]: (path, operations["get"])
    for path, operations in document["paths"].items()
    if "get" in operations
}
VALUES: dict[str, str] = {
    "agency": "diskominfo",
    "announcement": "00000000-0000-7000-8000-000000000000",
    "attachment": "00000000-0000-7000-8000-000000000000",
    "code": "other",
    "id": "00000000-0000-7000-8000-000000000000",
    "incident": "00000000-0000-7000-8000-000000000000",
    "license_id": "I-202403040912345678901",
    "nib": "8120111202938",
    "node": "collaboration_dynamics",
    "number": "1",
    "population": "1000",
    "sha256": "0" * 64,
    "retraction": "00000000-0000-7000-8000-000000000000",
    "slug": "oss",
    "version": "1",
}
"""Values of required parameters for which neither a list nor the document has one."""

TIME_DEPENDENT = re.compile(
    rb"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)"  # moments
    rb"|\"request_id\":\"[^\"]+\""
    rb"|\"(?:form_)?token\":\"[^\"]+\"|\"[a-z_]*(?:seconds|_ms)\":[\d.]+"
)
"""What two answers to one question may differ in."""

TRIES = 5
"""Times that both are asked until they say the same: counts, jobs and the minute go on."""

VARYING = {
    # Zip archives, whose entries carry the moment at which they were made.
    "export_evidence", "get_catalog_template", "get_evidence_template",
    "get_index_levels_xlsx", "get_statistics_template",
    # Counts of the process that answers.
    "get_hub_status",
}  # fmt: skip
"""Operations whose bodies are not the same twice."""


EVIDENCE = {"name": "Satu", "name_en": "One", "sources": ["study-2025"]}
STORED: dict[str, dict[str, Any]] = {
    "assessments": {"period": 2024, "draws": 200},
    "webhooks": {"url": "https://penerima.example/kabar"},
    "scenarios": {"kind": "collaboration", "period": 2024, "changes": {}, "target": 50},
    "risks": EVIDENCE | {"key": "one", "attested_in": 2024},
    "invitations": {
        "email": "nama@contoh.go.id",
        "roles": [{"role": "reporter", "agency": "dukcapil"}],
    },
    "index-levels": {
        "key": "spbe-2020-2024-11",
        "index": "spbe-2020",
        "year": 2024,
        "indicator": 11,
        "level": 3,
        "sources": ["study-2025"],
    },
    "declarations": {
        "key": "risks-2024",
        "register_name": "risks",
        "year": 2024,
        "entries": 1,
        "sources": ["study-2025"],
    },
}
"""What is posted because the pack has none of it."""

ROUND = "surveys/awareness/rounds/2026"
INVITED = {"opens_on": "2026-01-01", "closes_on": "2026-12-31", "sample": "invited"}


@dataclass(frozen=True)
class Hubs:
    """One hub in this process and one on a socket, on the same database."""

    client: TestClient
    address: str
    admin: dict[str, str]
    stored: dict[str, str]
    """Ids of what was stored in collections that have no list."""

    def path_of(self, operation_id: str) -> str:
        """Return an address of an operation, with parameters that exist if there are any."""
        template, operation = GETS[operation_id]
        query: list[str] = []
        path = template
        for parameter in operation.get("parameters", ()):
            if parameter.get("required"):
                name = parameter["name"]
                value = self._value(path, parameter)
                if parameter["in"] == "path":
                    path = path.replace(f"{{{name}}}", value)
                elif parameter["in"] == "query":
                    query.append(f"{name}={value}")
        return f"{path}?{'&'.join(query)}" if query else path

    def headers_of(self, operation_id: str) -> dict[str, str]:
        """Return the headers of a request: a key, and those that the operation requires."""
        template, operation = GETS[operation_id]
        return self.admin | {
            parameter["name"]: self._value(template, parameter)
            for parameter in operation.get("parameters", ())
            if parameter.get("required") and parameter["in"] == "header"
        }

    def _value(self, template: str, parameter: dict[str, Any]) -> str:
        collection, _, rest = template.partition(f"/{{{parameter['name']}}}")
        if rest != template and parameter["in"] == "path" and "{" not in collection:
            if collection in self.stored:
                return self.stored[collection]
            listed = self.client.get(collection, headers=self.admin)
            if listed.headers["content-type"] == "application/json" and listed.is_success:
                for item in listed.json().get("items", ()):
                    for name in (parameter["name"], "slug", "id"):
                        if name in item:
                            return str(item[name])
        schema = parameter.get("schema", {})
        schema = schema.get("items", schema)
        examples = parameter.get("examples") or schema.get("examples") or schema.get("enum")
        if isinstance(examples, dict):
            examples = [example["value"] for example in examples.values()]
        if "const" in schema:
            return str(schema["const"])
        if examples:
            return str(examples[0])
        # OSS's codes have three characters at most, those of posters five at least.
        return "1" if template.startswith(f"{API}/oss/references") else VALUES[parameter["name"]]


@pytest.fixture(scope="module")
def hubs(server: Server, toba: str) -> Iterator[Hubs]:
    """Two hubs on a database with the Toba pack and some records of each kind."""
    with server.database_from(toba) as name:
        settings = server.settings(name)
        admin = {
            "Authorization": f"Bearer {new_key(settings, 'diskominfo', 'admin')}",
            "Accept-Encoding": "identity",
        }
        with (
            TestClient(create_app(settings), follow_redirects=False) as client,
            serving(create_app(settings)) as address,
        ):
            stored: dict[str, str] = {}
            for path, body in STORED.items():
                made = client.post(f"{API}/{path}", json=body, headers=admin)
                assert made.status_code == 201, (path, made.text)
                stored[f"{API}/{path}"] = made.json()["id"]
            made = client.put(f"{API}/{ROUND}", json=INVITED, headers=admin)
            assert made.status_code == 201, made.text
            yield Hubs(client, address, admin, stored)


@pytest.mark.parametrize("operation_id", GETS)
def test_an_answer_arrives_whole(hubs: Hubs, operation_id: str) -> None:
    path, sent = hubs.path_of(operation_id), hubs.headers_of(operation_id)
    tries = 0
    while True:
        here = hubs.client.get(path, headers=sent)
        status, headers, body = ask(hubs.address, path, sent)
        tries += 1
        is_same = operation_id in VARYING or comparable(body) == comparable(here.content)
        if is_same or tries == TRIES:
            break
    assert status == here.status_code, path
    assert headers.get("content-type") == here.headers.get("content-type")
    assert "content-length" in headers or headers.get("transfer-encoding") == "chunked"
    assert operation_id in VARYING or comparable(body) == comparable(here.content)
    assert bool(body) == bool(here.content)


@pytest.mark.slow
def test_most_operations_answer_with_content(hubs: Hubs) -> None:
    statuses = {
        operation_id: hubs.client.get(
            hubs.path_of(operation_id), headers=hubs.headers_of(operation_id)
        ).status_code
        for operation_id in GETS
    }
    assert not {code: status for code, status in statuses.items() if status in {400, 422, 500}}
    found = sum(status == 200 for status in statuses.values())
    assert found > 0.8 * len(GETS), statuses


def test_the_root_of_hsds_is_answered_with_and_without_its_slash(hubs: Hubs) -> None:
    """HSDS names it `/`, below the address of the interface; the document names it without."""
    status, headers, body = ask(hubs.address, "/hsds", {})
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(body)["version"] == "3.0"
    with_slash = ask(hubs.address, "/hsds/", {})
    assert (with_slash[0], with_slash[2]) == (200, body)
    assert with_slash[1]["etag"] == headers["etag"]
    for path in ("/hsds", "/hsds/"):
        assert ask(hubs.address, f"{path}?page=1", {})[0] == 422
        assert (
            ask(hubs.address, path, {"Origin": "https://peta.example"})[1][
                "access-control-allow-origin"
            ]
            == "*"
        )
    assert ask(hubs.address, "/hsdsx", {})[0] == 404


def comparable(body: bytes) -> bytes:
    return TIME_DEPENDENT.sub(b"", body)


def ask(address: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body; the body has to be as long as its framing states."""
    lines = [f"GET {path} HTTP/1.1", "Host: testserver"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    request = "\r\n".join([*lines, "Connection: close", "", ""])
    head, _, body = exchange(address, request.encode()).partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    found = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
    if found.get("transfer-encoding") == "chunked":
        body = dechunked(body)
    else:
        assert len(body) == int(found["content-length"]), path
    return int(first.split(" ")[1]), found, body


def dechunked(body: bytes) -> bytes:
    """Return the content of a chunked body, which has to end with an empty chunk."""
    content = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            assert body == b"\r\n"
            return content
        content, end, body = content + body[:length], body[length : length + 2], body[length + 2 :]
        assert end == b"\r\n"
