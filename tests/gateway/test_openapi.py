"""One OpenAPI document of the whole hub, exact about its addresses, errors and keys."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.testclient import TestClient

from services.assessment.app import create_app as create_assessment
from services.catalog.app import create_app as create_catalog
from services.feedback.app import create_app as create_feedback
from services.gateway.app import create_app
from services.gateway.door import OWNERS, owner_of
from services.gateway.openapi import merge
from services.platform.settings import Service, Settings
from tests.conftest import Hub
from tests.servers import free_port, serving

PROBLEM = {"$ref": "#/components/schemas/Problem"}

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


def test_every_address_of_a_service_leads_through_the_door_to_that_service(
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
        for status, response in operation["responses"].items():
            if status < "400":
                continue
            seen += 1
            content = response["content"]
            assert list(content) == ["application/problem+json"], (path, method, status)
            assert content["application/problem+json"]["schema"] == PROBLEM, (path, method, status)
    assert seen > 50
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_an_operation_says_that_it_needs_a_key_exactly_where_it_does(
    document: dict[str, Any],
) -> None:
    scheme = document["components"]["securitySchemes"]["agency_key"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    keyed = {
        operation["operationId"]: operation
        for _, _, operation in operations(document)
        if "security" in operation
    }
    assert keyed.keys() >= WRITES
    for operation in keyed.values():
        assert [list(needed) for needed in operation["security"]] == [["agency_key"]]
        assert {"401", "403"} <= operation["responses"].keys()


def test_what_needs_no_key_answers_without_one_and_the_rest_is_401(
    shared: Hub, document: dict[str, Any]
) -> None:
    for path, method, operation in operations(document):
        address = path.replace("{", "").replace("}", "")
        status = shared.client.request(method, address).status_code
        if "security" in operation:
            assert status == 401, (method, path)
        else:
            assert status not in {401, 403, 405}, (method, path)


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
    one = {"components": {"schemas": {"Item": {"type": "string"}}}}
    other = {"components": {"schemas": {"Item": {"type": "integer"}}}}
    assert merge({"a": one, "b": one})["components"] == one["components"]
    with pytest.raises(ValueError, match="b: schemas Item is defined twice"):
        merge({"a": one, "b": other})
