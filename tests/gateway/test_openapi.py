"""One OpenAPI document of the whole hub, exact about its addresses, errors and keys."""

import html
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import AnyHttpUrl
from starlette.testclient import TestClient

from services.assessment.app import create_app as create_assessment
from services.catalog.app import create_app as create_catalog
from services.feedback.app import create_app as create_feedback
from services.gateway.api_docs.openapi import merge, needs_key
from services.gateway.api_docs.responses import resolve_response
from services.gateway.app import create_app
from services.gateway.proxy.routing import OWNERS, owner_of
from services.platform.georeport import is_georeport
from services.platform.settings import Service, Settings
from tests.conftest import Hub
from tests.servers import free_port, serving

OPEN311_ERROR = {"$ref": "#/components/schemas/Open311Error"}
PROBLEM = {"$ref": "#/components/schemas/Problem"}

LIMITS = {"RateLimit", "RateLimit-Policy"}
SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]*")
PATH_SEGMENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)?|\{[a-z][a-z0-9_]*\}(\.[a-z]+)?")
ENDLESS = re.compile(r"(?<!\\)[+*]|\{\d+,\}")

OF_A_LENGTH = {"date", "date-time", "uuid"}
SENTENCE = re.compile(r"[A-Z`(].*[.:]", re.DOTALL)

OF_OTHERS = {
    "get_open311_request",
    "get_open311_service",
    "list_open311_requests",
    "list_open311_services",
    "post_open311_request",
    "oss_receive_file_ds",
    "oss_receive_nib",
    "oss_receive_nib_kkpr",
    "oss_receive_nib_pse",
    "oss_receive_nib_stpw",
}
"""Whose form a standard of others gives: Open311 GeoReport v2, OSS RBA."""

WRITES = {
    "post_usage_events",
    "post_usage_statistics",
    "post_assessment",
    "export_survey_responses",
    "get_weighted_survey_results",
}
"""What an agency's key is needed for."""


@pytest.fixture(scope="module")
def document(shared: Hub) -> dict[str, Any]:
    answer = shared.client.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def responses_of(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """Return the responses of an operation by status, with the components that it refers to."""
    return {
        status: resolve_response(document, response)
        for status, response in operation["responses"].items()
    }


@pytest.mark.slow
def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    errors = OpenAPIV31SpecValidator(document).iter_errors()
    assert [error.message for error in errors] == []


def test_the_document_has_every_address_of_every_service(
    settings: Settings, document: dict[str, Any]
) -> None:
    apps = [create(settings) for create in (create_catalog, create_feedback, create_assessment)]
    found = {(path, method.upper()) for path, method, _ in operations(document)}
    for app in [*apps, create_app(settings)]:
        for path, methods in app.openapi()["paths"].items():
            assert {(path, method.upper()) for method in methods} <= found
    expected = {
        (route.path, method)
        for app in apps
        for route in app.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods or ()
    }
    assert expected <= found


def test_every_path_of_a_service_is_routed_to_that_service(
    settings: Settings,
) -> None:
    for service, create in (
        (Service.catalog, create_catalog),
        (Service.feedback, create_feedback),
        (Service.assessment, create_assessment),
    ):
        for path in create(settings).openapi()["paths"]:
            assert owner_of(path) == service


def test_the_gateways_own_addresses_are_no_services(settings: Settings) -> None:
    gateway = create_app(settings)
    assert {"/go/{slug}", "/api/v1/links", "/api/v1/status"} <= gateway.openapi()["paths"].keys()
    assert {owner_of(path) for path in gateway.openapi()["paths"]} == {None}
    for path in ("/", "/api/v1", "/api/v1/", "/api/v1//services", "/api/v1/service", "/services"):
        assert owner_of(path) is None
    assert {owner_of(f"/api/v1/{name}/x") for name in OWNERS} == set(OWNERS.values())


def test_every_operation_has_an_id_of_its_own_a_known_tag_and_a_summary(
    document: dict[str, Any],
) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in document["tags"]}
    for _, _, operation in operations(document):
        assert set(operation["tags"]) <= tags
        assert operation["summary"]


def test_every_error_is_a_problem_document(document: dict[str, Any]) -> None:
    seen = 0
    for path, method, operation in operations(document):
        for status, response in responses_of(document, operation).items():
            if status < "400":
                continue
            seen += 1
            content = response["content"]
            if is_georeport(path):
                assert content["application/json"]["schema"]["items"] == OPEN311_ERROR
                continue
            assert list(content) == ["application/problem+json"], (path, method, status)
            assert content["application/problem+json"]["schema"] == PROBLEM, (path, method, status)
    assert seen > 50
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_service_states_the_form_of_its_errors_in_its_own_document(
    settings: Settings,
) -> None:
    """As the document of the hub does, which is merged from them."""
    creates = (create_app, create_catalog, create_feedback, create_assessment)
    seen: Counter[bool] = Counter()
    for own in (create(settings).openapi() for create in creates):
        assert "HTTPValidationError" not in own["components"]["schemas"]
        assert {"Problem", "FieldError"} <= own["components"]["schemas"].keys()
        for path, method, operation in operations(own):
            form = {"application/problem+json": {"schema": PROBLEM}}
            if is_georeport(path):
                errors = {"type": "array", "items": OPEN311_ERROR}
                form = {
                    "application/json": {"schema": errors},
                    "text/xml": {"schema": {"type": "string"}},
                }
                assert "422" not in operation["responses"]
                assert "400" in operation["responses"]
            for status, response in operation["responses"].items():
                if status >= "400":
                    seen[is_georeport(path)] += 1
                    assert response["content"] == form, (path, method, status)
    assert seen[False] > 500
    assert seen[True] > 10


def test_every_operation_documents_429_and_its_limit(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        responses = responses_of(document, operation)
        assert responses["429"]["headers"].keys() >= LIMITS | {"Retry-After"}
        for status, response in responses.items():
            if status < "500":
                assert response["headers"].keys() >= LIMITS, (path, method, status)


def described(document: dict[str, Any], response: dict[str, Any]) -> set[str]:
    """Return the headers of a response, and assert that each has a description."""
    headers = response.get("headers", {})
    for header in headers.values():
        if reference := header.get("$ref"):
            assert document["components"]["headers"][reference.rpartition("/")[2]]["description"]
    return set(headers)


def test_every_operation_documents_failures_of_gateway_and_service(
    document: dict[str, Any],
) -> None:
    with_body = 0
    for path, method, operation in operations(document):
        responses = responses_of(document, operation)
        assert {"429", "500", "503", "default"} <= responses.keys(), (method, path)
        assert "Retry-After" in described(document, responses["503"]), (method, path)
        if "requestBody" in operation:
            with_body += 1
            assert {"413", "415"} <= responses.keys(), (method, path)
    assert with_body > 30


def test_a_response_documents_its_key_location_and_entity_tag(
    document: dict[str, Any],
) -> None:
    located: set[str] = set()
    tagged: set[str] = set()
    for path, method, operation in operations(document):
        responses, name = responses_of(document, operation), operation["operationId"]
        if "401" in responses:
            assert "WWW-Authenticate" in described(document, responses["401"]), (method, path)
        if "Location" in described(document, responses.get("201", {})):
            located.add(name)
        if "ETag" in described(document, responses.get("200", {})):
            tagged.add(name)
        if method == "get" and "200" in responses:
            assert name in tagged
    assert {"post_assessment", "post_meeting", "post_comment", "open_incident"} <= located
    assert located.isdisjoint({"create_key", "create_webhook", "update_incident"})
    assert located.isdisjoint({"post_rating_tokens", "post_comment_attachment"})
    assert {"put_service", "put_meeting", "get_service"} <= tagged
    assert "post_usage_statistics" not in tagged


@pytest.mark.slow
def test_what_is_read_without_a_parameter_carries_the_headers_that_are_described(
    shared: Hub, document: dict[str, Any]
) -> None:
    seen = 0
    for path, method, operation in operations(document):
        needed = [each for each in operation.get("parameters", ()) if each.get("required")]
        if method != "get" or needed:
            continue
        answer = shared.client.get(path)
        documented = operation["responses"].get(str(answer.status_code), {})
        wanted = described(document, documented) - LIMITS - {"Retry-After"}
        assert {name.lower() for name in wanted} <= answer.headers.keys(), path
        seen += answer.status_code == 200
    assert seen > 20


def test_the_reference_shows_the_examples_of_bodies_and_answers(shared: Hub) -> None:
    page = html.unescape(shared.client.get("/docs").text)
    assert """-d '{"service": "ktp-el", "agency": "dukcapil", "channel": "counter",""" in page
    assert "-d 'service_code=time&description=Sudah+tiga+minggu" in page
    assert '"path": "/nilai/k5xw4zlomn2ga3tb"' in page


@pytest.mark.slow
def test_the_contact_has_an_address_where_the_hub_has_one(settings: Settings) -> None:
    public = settings.model_copy(update={"public_url": AnyHttpUrl("https://mall.example")})
    with TestClient(create_app(public)) as client:
        contact = client.get("/openapi.json").json()["info"]["contact"]
    assert contact["url"] == "https://mall.example/api/v1/status"


def test_the_document_has_a_contact_and_describes_its_tags(
    document: dict[str, Any],
) -> None:
    # A relative address would lead nowhere for those who read the document elsewhere.
    assert list(document["info"]["contact"]) == ["name"]
    assert document["info"]["license"]["identifier"] == "EUPL-1.2"
    assert all(tag["description"].endswith(".") for tag in document["tags"])
    named = {tag for _, _, operation in operations(document) for tag in operation["tags"]}
    assert named == {tag["name"] for tag in document["tags"]}


def test_paths_are_hyphenated_and_parameters_and_fields_in_snake_case(
    document: dict[str, Any],
) -> None:
    for path, _, operation in operations(document):
        if operation["operationId"] in OF_OTHERS:
            continue
        for segment in path.strip("/").split("/"):
            assert PATH_SEGMENT.fullmatch(segment), path
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "query":
                assert SNAKE_CASE.fullmatch(parameter["name"]), (path, parameter["name"])
        for content in contents(operation):
            for place, schema in inside(document, content["schema"]):
                for name in schema.get("properties", ()):
                    assert SNAKE_CASE.fullmatch(name), f"{path} {place} {name}"


def test_no_answer_is_a_bare_list(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        if operation["operationId"] in OF_OTHERS:
            continue
        for content in contents(operation):
            _, schema = next(inside(document, content["schema"]))
            assert schema.get("type") != "array", (path, method)


def test_every_text_and_list_of_a_request_has_an_end(document: dict[str, Any]) -> None:
    seen = 0
    for path, method, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {})
        for place, schema in inside(document, body.get("application/json", {}).get("schema", {})):
            name_of_part = f"{method} {path}: {place}"
            if schema.get("type") == "array":
                seen += 1
                assert "maxItems" in schema, name_of_part
            if schema.get("type") == "string":
                assert is_bounded_text(schema), name_of_part
    assert seen > 20


def test_every_operation_and_parameter_is_described_in_a_sentence(
    document: dict[str, Any],
) -> None:
    for path, method, operation in operations(document):
        description = operation.get("description", "")
        assert SENTENCE.match(description), f"{method} {path}: {description!r}"
        assert len(description) > len("One source."), f"{method} {path}: {description!r}"
        for parameter in operation.get("parameters", ()):
            description = parameter.get("description", "")
            assert SENTENCE.match(description), (
                f"{method} {path} {parameter['name']}: {description!r}"
            )


def test_every_parameter_has_an_end(document: dict[str, Any]) -> None:
    seen = 0
    for path, method, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            for place, schema in inside(document, parameter["schema"]):
                seen += 1
                name_of_part = f"{method} {path}: {parameter['name']}{place}"
                if schema.get("type") == "array":
                    assert "maxItems" in schema, name_of_part
                elif schema.get("type") == "string":
                    assert is_bounded_text(schema), name_of_part
                elif schema.get("type") in {"integer", "number"}:
                    assert schema.keys() >= {"minimum", "maximum"}, name_of_part
                else:
                    kinds = schema.keys() & {"anyOf", "enum", "const"}
                    assert kinds or schema.get("type") in {"boolean", "null"}, name_of_part
    assert seen > 400


def test_a_page_holds_as_many_items_as_the_limit_of_each_operation_that_answers_it(
    document: dict[str, Any],
) -> None:
    pages: dict[str, set[int | None]] = {}
    for _, _, operation in operations(document):
        limits = [each for each in operation.get("parameters", ()) if each["name"] == "limit"]
        content = operation["responses"].get("200", {}).get("content", {})
        reference = content.get("application/json", {}).get("schema", {}).get("$ref")
        if reference is not None:
            most = limits[0]["schema"]["maximum"] if limits else None
            pages.setdefault(reference.rpartition("/")[2], set()).add(most)
    bounded = {name: limits for name, limits in pages.items() if limits != {None}}
    for name, limits in bounded.items():
        items = document["components"]["schemas"][name]["properties"]["items"]
        assert limits == {items["maxItems"]}, name
    assert len(bounded) > 15


def test_every_link_field_is_a_uri_reference_with_a_maximum_length(
    document: dict[str, Any],
) -> None:
    seen = 0
    for name, schema in document["components"]["schemas"].items():
        for field, inner in schema.get("properties", {}).items():
            if field == "href" or field.endswith("_href"):
                seen += 1
                parts = [part for part in inner.get("anyOf", [inner]) if part["type"] == "string"]
                limits = [(part.get("format"), part.get("maxLength")) for part in parts]
                assert limits == [("uri-reference", 2000)], f"{name}.{field}"
    assert seen > 50


def is_bounded_text(schema: dict[str, Any]) -> bool:
    """Return whether the length of a text is limited."""
    pattern = schema.get("pattern")
    if pattern is not None and not ENDLESS.search(pattern):
        return True
    return (
        bool(schema.keys() & {"maxLength", "enum", "const"}) or schema.get("format") in OF_A_LENGTH
    )


def contents(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the JSON schemas of an operation's request and responses."""
    for part in (operation.get("requestBody", {}), *operation["responses"].values()):
        # Errors refer to a component, a problem document each.
        if content := part.get("content", {}).get("application/json"):
            yield content


def inside(
    document: dict[str, Any], schema: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return a schema and all of its parts, each named schema once."""
    seen: set[str] = set()

    def walk(part: dict[str, Any], place: str) -> Iterator[tuple[str, dict[str, Any]]]:
        if reference := part.get("$ref"):
            name = reference.rpartition("/")[2]
            if name not in seen:
                seen.add(name)
                yield from walk(document["components"]["schemas"][name], name)
            return
        yield place, part
        for name, inner in part.get("properties", {}).items():
            yield from walk(inner, f"{place}.{name}")
        for word in ("anyOf", "oneOf", "allOf"):
            for inner in part.get(word, ()):
                yield from walk(inner, place)
        for word in ("items", "additionalProperties"):
            if isinstance(part.get(word), dict):
                yield from walk(part[word], f"{place}.{word}")

    return walk(schema, "")


def test_an_operation_documents_a_key_exactly_if_it_needs_one(
    document: dict[str, Any],
) -> None:
    scheme = document["components"]["securitySchemes"]["agency_key"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    keyed = {
        operation["operationId"]: operation
        for _, _, operation in operations(document)
        if needs_key(operation)
    }
    assert keyed.keys() >= WRITES
    for operation in keyed.values():
        assert [list(needed) for needed in operation["security"]] == [["agency_key"]]
        assert {"401", "403"} <= operation["responses"].keys()
    for _, _, operation in operations(document):
        if not needs_key(operation):
            takes_key = "401" in operation["responses"]
            assert operation["security"] == ([{}, {"agency_key": []}] if takes_key else [])


def test_what_needs_no_key_answers_without_one_and_the_rest_is_401(
    shared: Hub, document: dict[str, Any]
) -> None:
    for path, method, operation in operations(document):
        address = path.replace("{", "").replace("}", "")
        status = shared.client.request(method, address).status_code
        if needs_key(operation):
            assert status == 401, (method, path)
        else:
            assert status not in {401, 403, 405}, (method, path)


@pytest.mark.slow
def test_the_document_is_the_same_wherever_the_services_run(
    settings: Settings, document: dict[str, Any]
) -> None:
    with serving(create_catalog(settings)) as address:
        away = settings.model_copy(update={"catalog_url": address})
        with TestClient(create_app(away)) as client:
            assert client.get("/openapi.json").json() == document


def test_without_a_service_there_is_no_document_but_a_problem_that_names_it(
    settings: Settings,
) -> None:
    away = settings.model_copy(update={"catalog_url": f"http://127.0.0.1:{free_port()}"})
    with TestClient(create_app(away)) as client:
        answer = client.get("/openapi.json")
    assert answer.status_code == 503
    assert "catalog" in answer.json()["detail"]


@pytest.mark.slow
def test_the_document_that_was_seen_outlives_its_service(
    settings: Settings, document: dict[str, Any]
) -> None:
    port = free_port()
    away = settings.model_copy(update={"catalog_url": f"http://127.0.0.1:{port}"})
    with TestClient(create_app(away)) as client:
        with serving(create_catalog(settings), port=port):
            assert client.get("/openapi.json").json() == document
        assert client.get("/openapi.json").json() == document


def test_two_meanings_of_one_name_are_refused() -> None:
    problem = {"Problem": {"type": "object"}}
    one = {"components": {"schemas": {"Item": {"type": "string"}} | problem}}
    other = {"components": {"schemas": {"Item": {"type": "integer"}} | problem}}
    assert merge({"a": one, "b": one})["components"]["schemas"]["Item"] == {"type": "string"}
    with pytest.raises(ValueError, match="b: schemas Item is defined twice"):
        merge({"a": one, "b": other})


def test_the_document_for_splp_holds_what_others_use_and_nothing_that_administers(
    shared: Hub,
) -> None:
    answer = shared.client.get("/openapi.json?audience=splp")
    document = answer.json()
    for reference in re.findall(r'"\$ref":"#/([^"]+)"', answer.text):
        part = document
        for name in reference.split("/"):
            part = part[name]
    found = {
        operation["operationId"]: (method, operation)
        for operations in document["paths"].values()
        for method, operation in operations.items()
    }
    assert {"list_services", "list_announcements", "post_usage_statistics"} <= found.keys()
    assert {method for method, _ in found.values()} == {"get", "post"}
    assert [name for name, (method, _) in found.items() if method == "post"] == [
        "post_usage_statistics"
    ]
    assert "list_webhooks" not in found
    whole = shared.client.get("/openapi.json").json()
    assert len(document["components"]["schemas"]) < len(whole["components"]["schemas"])
    assert list(document["components"]["securitySchemes"]) == ["agency_key"]
    assert shared.client.get("/openapi.json?audience=nobody").status_code == 422


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("x=1", "/openapi.json"),
        ("x=1&audience=splp", "/openapi.json?audience=splp"),
        ("audience=splp&audience=splp", "/openapi.json?audience=splp"),
        ("audience=%73plp", "/openapi.json?audience=splp"),
    ],
)
def test_another_query_leads_to_the_document_that_is_written_once(
    shared: Hub, query: str, canonical: str
) -> None:
    answer = shared.client.get(f"/openapi.json?{query}")
    assert (answer.status_code, answer.headers["location"]) == (307, canonical)
    assert shared.client.get(canonical).status_code == 200
    assert shared.client.get("/openapi.json?audience=other").status_code == 422
