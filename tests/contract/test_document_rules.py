"""What the document needs so that generators, validators and stateful testers read it right."""

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from services.gateway.api_docs.openapi import CREATES_TOO, merge
from services.gateway.api_docs.responses import LIMITS, resolve_response
from services.gateway.api_docs.schema_rules import (
    PREFIX,
    operations_of,
    parts_of,
    reachable,
    references_of,
    schemas_of,
)
from services.platform.georeport import is_georeport
from services.platform.settings import ROOT
from tests.contract.document import unified_document_at_rest

pytestmark = pytest.mark.contract

document = unified_document_at_rest()
SCHEMAS: dict[str, dict[str, Any]] = document["components"]["schemas"]

TAKEN = re.compile(
    r"Any|Array|Blob|Boolean|Buffer|Bool|Byte|Character|Client|Closure|Collection|"
    r"Configuration|Countable|Data|Date|DateTime|Decimal|Dict|Double|Duration|Enum|Error|"
    r"Errors|Exception|File|Float|Function|Generator|Headers|Int|Integer|Interface|Iterable|"
    r"Iterator|List|Locale|Long|Map|Model|Never|None|Null|Number|Object|Omit|Option|Optional|"
    r"Parameters|Partial|Path|Pick|Promise|Query|Readonly|Record|Request|Required|Response|"
    r"Result|Self|Set|String|Symbol|Task|Throwable|Time|Traversable|Tuple|Type|Union|Unit|"
    r"Unknown|Unset|Uri|Url|Uuid|Vec|Void|Action|Document"
)
"""Names that generators, or the languages and platforms for which they write, use themselves."""

FILLER = re.compile(r"(The|An?) [\w-]+( [\w-]+)?\.|Successful Response|OK|TODO.*", re.IGNORECASE)
"""Descriptions that only repeat a name."""

OPEN_REQUESTS = frozenset({"Open311Form", "UsageCloudEvent"})
"""Bodies whose form a standard of others gives, with any further field (GeoReport, CloudEvents)."""

WITH_NUL = ("\0", "a\0b", "nama\0@contoh.go.id", "nama@contoh\0.go.id", "https://contoh.go.id/\0")
NEVER_STORED = {
    "UsageCloudEvent",  # `id` and `source`, from which the event's own id is computed
    "Open311Form",  # empty fields, and contacts without consent
    "SurveyResponse",  # answers, which are compared with the choices
}
"""Bodies with texts of any signs, which are compared with others or not kept."""


def properties() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, schema in SCHEMAS.items():
        for field, inner in schema.get("properties", {}).items():
            yield f"{name}.{field}", inner


def bodies(*, sent: bool) -> list[dict[str, Any]]:
    """Return the schemas of all request bodies, or of all answers."""
    holders: list[Any] = []
    for _, _, operation in operations_of(document):
        answers = [
            resolve_response(document, response) for response in operation["responses"].values()
        ]
        holders += [operation.get("requestBody", {})] if sent else answers
    return [
        content["schema"]
        for holder in holders
        for content in holder.get("content", {}).values()
        if "schema" in content
    ]


def test_no_model_has_a_name_that_a_generator_uses_itself() -> None:
    assert [name for name in SCHEMAS if TAKEN.fullmatch(name)] == []
    assert [name for name in SCHEMAS if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name)] == []
    assert len({name.lower() for name in SCHEMAS}) == len(SCHEMAS)


def test_no_title_repeats_a_name() -> None:
    assert [schema["title"] for schema in schemas_of(document) if "title" in schema] == []


def test_what_is_optional_in_an_address_or_header_is_left_out_and_never_null() -> None:
    nullable = [
        (operation["operationId"], parameter["name"])
        for _, _, operation in operations_of(document)
        for parameter in operation.get("parameters", ())
        for part in parts_of(parameter["schema"])
        if part.get("type") == "null" or "null" in str(part.get("default", ""))
    ]
    assert nullable == []


def test_no_property_is_null_alone() -> None:
    assert [place for place, schema in properties() if schema.get("type") == "null"] == []


def test_a_union_has_a_discriminator_that_each_member_requires() -> None:
    seen = 0
    for schema in schemas_of(document):
        if "discriminator" not in schema:
            continue
        seen += 1
        name = schema["discriminator"]["propertyName"]
        mapped = {
            address.removeprefix(PREFIX) for address in schema["discriminator"]["mapping"].values()
        }
        assert mapped == references_of(schema["oneOf"])
        for member in mapped:
            assert name in SCHEMAS[member]["required"], (member, name)
    assert seen > 5


def test_if_match_is_required_exactly_where_every_call_without_it_is_428() -> None:
    seen = 0
    for _, _, operation in operations_of(document):
        required = {each["name"]: each["required"] for each in operation.get("parameters", ())}
        operation_id = operation["operationId"]
        assert ("If-Match" in required) == ("428" in operation["responses"]), operation_id
        if "If-Match" in required:
            seen += 1
            creates = operation_id in CREATES_TOO or "201" in operation["responses"]
            assert required["If-Match"] == (not creates), operation_id
    assert seen > 20


def test_every_number_states_its_width() -> None:
    wide = {"integer": {"int32", "int64"}, "number": {"float", "double"}}
    for schema in schemas_of(document):
        kind = schema.get("type")
        if kind in wide:
            assert schema.get("format") in wide[kind], schema
            bounds = [schema[each] for each in ("minimum", "maximum") if each in schema]
            assert kind == "number" or all(isinstance(bound, int) for bound in bounds), schema


def test_a_constant_has_no_type_that_a_generator_would_take_for_an_enumeration() -> None:
    constants = [schema for schema in schemas_of(document) if "const" in schema]
    assert len(constants) > 50
    assert [schema for schema in constants if "type" in schema] == []


def test_what_members_of_a_union_define_differently_may_be_anything_in_the_union() -> None:
    """So that a class into which a generator merges the members takes what each of them has."""
    assert SCHEMAS["Count"]["properties"]["of"] != SCHEMAS["AgenciesWith"]["properties"]["of"]
    assert SCHEMAS["Measure"]["properties"]["of"].keys() <= {"description"}
    definition = SCHEMAS["MethodDetail"]["properties"]["definition"]
    assert definition["properties"] == {"weights": {}}


def test_a_tuple_is_a_list_of_one_kind_of_items() -> None:
    arrays = [schema for schema in schemas_of(document) if schema.get("type") == "array"]
    assert [schema for schema in arrays if not schema.get("items")] == []


def test_every_operation_answers_any_error_as_a_problem_and_states_its_limits() -> None:
    for path, _, operation in operations_of(document):
        responses = {
            status: resolve_response(document, response)
            for status, response in operation["responses"].items()
        }
        if not is_georeport(path):  # whose errors have a form of their own
            assert list(responses["default"]["content"]) == ["application/problem+json"]
        for status, response in responses.items():
            if status < "500":
                assert response["headers"].keys() >= set(LIMITS), (operation["operationId"], status)


def test_answers_are_open_to_new_fields_and_requests_are_closed() -> None:
    in_answers = reachable(SCHEMAS, references_of(bodies(sent=False)))
    in_requests = requested()
    assert in_answers.isdisjoint(in_requests)
    for name in in_answers:
        for part in parts_of(SCHEMAS[name]):
            assert part.get("additionalProperties") is not False, name
    for name in in_requests - OPEN_REQUESTS:
        for part in parts_of(SCHEMAS[name]):
            if "properties" in part and "oneOf" not in part:  # its members are closed
                assert part.get("additionalProperties") is False, name
    assert {"Meeting", "ServiceDetail"} <= in_answers
    assert {"MeetingInput", "AssessmentRequest"} <= in_requests


@pytest.mark.slow
def test_a_program_that_makes_the_document_prints_no_warning() -> None:
    program = "from tests.contract.document import unified_document_at_rest as made; made()"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_no_address_ends_with_a_slash() -> None:
    """Linters refuse it (Redocly, `spectral:oas`), and some clients leave it out."""
    assert [path for path in document["paths"] if path.endswith("/")] == []


def test_no_text_of_a_request_may_have_a_sign_that_the_database_cannot_store() -> None:
    parts = [(name, part) for name in requested() for part in parts_of(SCHEMAS[name])]
    texts = [
        (name, part)
        for name, part in parts
        if part.get("type") == "string" and part.keys().isdisjoint({"enum", "const", "format"})
    ]
    faulty = {
        name
        for name, part in texts
        if any(re.search(part.get("pattern", ""), text) for text in WITH_NUL)
    }
    assert faulty == NEVER_STORED
    assert len(texts) > 100


def requested() -> set[str]:
    return reachable(SCHEMAS, references_of(bodies(sent=True)))


def test_a_link_gives_what_the_operation_needs_and_the_answer_has() -> None:
    known = {
        operation["operationId"]: {each["name"] for each in operation.get("parameters", ())}
        for _, _, operation in operations_of(document)
    }
    linked: set[str] = set()
    for path, _, operation in operations_of(document):
        for response in operation["responses"].values():
            for name, link in response.get("links", {}).items():
                linked.add(f"{operation['operationId']} {name}")
                assert link["parameters"].keys() <= known[link["operationId"]], link
                for value in link["parameters"].values():
                    source, _, rest = value.partition("#/")
                    if source == "$response.body":
                        content = response["content"]["application/json"]["schema"]
                        assert has_pointer(content, rest.split("/")), (name, value)
                    elif value.startswith("$request.path."):
                        assert f"{{{value.removeprefix('$request.path.')}}}" in path, value
                    else:
                        assert value == "$response.header.ETag"
                        assert "ETag" in response["headers"]
    assert {
        "post_meeting get_meeting",
        "list_meetings get_meeting",
        "get_meeting put_meeting",
        "create_key delete_key",
        "post_assessment list_scores",
        "list_scores get_score",
        "list_survey_rounds get_survey_round",
    } <= linked
    assert "list_keys delete_key" not in linked


def has_pointer(schema: dict[str, Any], names: list[str]) -> bool:
    if "$ref" in schema:
        return has_pointer(SCHEMAS[schema["$ref"].removeprefix(PREFIX)], names)
    if not names:
        return True
    inner = schema["items"] if names[0] == "0" else schema["properties"].get(names[0])
    return inner is not None and has_pointer(inner, names[1:])


def test_every_answer_and_property_and_model_is_described() -> None:
    missing = [place for place, schema in properties() if not is_told(schema)]
    missing += [name for name, schema in SCHEMAS.items() if not is_told(schema)]
    missing += [
        f"{operation['operationId']} {status}"
        for _, _, operation in operations_of(document)
        for status, response in operation["responses"].items()
        if not is_told(resolve_response(document, response))
    ]
    assert missing == []


def is_told(holder: Any) -> bool:
    description = holder.get("description", "")
    return len(description) > 2 and FILLER.fullmatch(description) is None


def test_a_form_of_requests_that_exists_already_is_refused() -> None:
    body = {"type": "object", "properties": {}, "additionalProperties": False}
    reference = {"content": {"application/json": {"schema": {"$ref": f"{PREFIX}Thing"}}}}
    operation = {
        "operationId": "post_thing",
        "requestBody": reference,
        "responses": {"200": {"description": "A thing.", **reference}},
    }
    schemas = {"Thing": body, "ThingInput": {"type": "string"}, "Problem": {"type": "object"}}
    known = {"paths": {"/things": {"post": operation}}, "components": {"schemas": schemas}}
    with pytest.raises(ValueError, match="ThingInput exists"):
        merge({"a": known})
    del schemas["ThingInput"]
    merged = merge({"a": known})["components"]["schemas"]
    assert (merged["Thing"].get("additionalProperties"), merged["ThingInput"]) == (None, body)
    assert body["additionalProperties"] is False  # the service's own document stays as it is
