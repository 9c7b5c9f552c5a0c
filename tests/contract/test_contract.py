"""Every operation of the unified document, called in every way that it allows and forbids.

`make test` sends each operation its examples and one random call, `make test-all` each limit of its
schemas and more random calls too. `EMALL_EXAMPLES` sets their number; `EMALL_EXAMPLES=200` is the
thorough run. Each operation is a test of its own, so that the workers share them.
"""

import os
from functools import cache
from itertools import count
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, seed
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis import Case
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.generation.meta import CoveragePhaseData, CoverageScenario
from schemathesis.generation.stateful.state_machine import APIStateMachine
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)

from services.assessment.evidence.api_models import KINDS
from services.assessment.evidence.workbook import to_workbook
from services.gateway.api_docs.openapi import needs_key
from services.platform.spreadsheets.model import ODS, XLSX
from tests.contract.conftest import RunningHub
from tests.contract.document import document_of_known_statuses, unified_document_at_rest

pytestmark = pytest.mark.contract

EXAMPLES = int(os.environ.get("EMALL_EXAMPLES", "3"))
BOUNDS = examples(
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
WALKS = 10
"""Walks from call to call that hypothesis plans together."""
WRONG_TYPES = max(1, 9 // EXAMPLES)
"""Of the six wrong types of a field, and of each parameter alone and beside the others, every
third is sent, so that fields beside each other get different ones; a thorough run sends all."""
REFUSED = 1
"""Random calls of an operation without its key, which are all refused alike."""
METHODS = ["DELETE", "TRACE", "QUERY"]
"""Methods with which every address is called that does not have them; one table refuses them."""
SLOW_SECONDS = 60
"""A busy machine is no fault of the hub."""

document = unified_document_at_rest()
OPERATIONS: dict[str, bool] = {
    operation["operationId"]: needs_key(operation)
    for operations in document["paths"].values()
    for operation in operations.values()
}
"""Whether an operation asks for a key; those that do not are called without one alone."""
assert len(OPERATIONS) == sum(len(operations) for operations in document["paths"].values())


def called_with(**phases: Any) -> BaseSchema:
    """Return the schema of the document, with which its operations are called."""
    accepted = {
        # 412: an `If-Match` may be well formed and name no state that was given; 428: there may be
        # none, where the caller could not know that there is something to change.
        "expected-statuses": ["2xx", "3xx", 401, 403, 404, 409, 412, 428, 429, "5xx"]
    }
    # 413: what breaks the longest list may break the largest body too.
    refused = {
        "expected-statuses": [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx"]
    }
    # 404 and 428: `If-Match` is asked for only where there is something to change.
    without_header = {"expected-statuses": [400, 401, 403, 404, 406, 415, 422, 428]}
    checks = {
        "positive_data_acceptance": accepted,
        "negative_data_rejection": refused,
        "missing_required_header": without_header,
    }
    wanted = {"seed": 1, "checks": checks, "phases": phases}
    config = SchemathesisConfig.from_dict(wanted)
    return schemathesis.openapi.from_dict(document_of_known_statuses(), config=config)


def bodies(method: str) -> dict[str, Any]:
    """Return the schemas of the bodies of all operations with this method, by operation id."""
    return {
        operations[method]["operationId"]: operations[method]["requestBody"]["content"]
        for operations in document["paths"].values()
        if "requestBody" in operations.get(method, {})
    }


api = called_with(coverage={"unexpected-methods": METHODS})
# Without a key such a call is refused before it is read; a few of each show it.
random_only = called_with(coverage={"enabled": False})


def with_the_body_of_another() -> set[str]:
    """Return PUT operations whose body is that of another operation, which tries its limits."""
    found: set[str] = set()
    tried: list[Any] = []
    for method in ("post", "put"):
        for operation_id, content in bodies(method).items():
            if (schema := content.get("application/json", {}).get("schema")) is None:
                continue
            if method == "put" and schema in tried:
                found.add(operation_id)
            tried.append(schema)
    return found


SAME_BODY = with_the_body_of_another()
assert len(SAME_BODY) >= 8
TOO_MANY_LIMITS = {"post_method"}
"""Operations whose body has so many limits in one another that trying them one by one never ends:
a method is a tree of unions, and took gigabytes of memory."""
FILES = {
    operation_id
    for method in ("post", "put")
    for operation_id, content in bodies(method).items()
    if content.keys() <= {XLSX, ODS, "text/csv", "application/zip", "multipart/form-data"}
}
"""Operations whose body is a file: no limit of a schema could be tried, and each call starts a
process that reads it."""
assert len(FILES) >= 4
assert set(OPERATIONS) >= TOO_MANY_LIMITS
load_all_checks()
schemathesis.openapi.media_type(XLSX, st.just(to_workbook({})))
schemathesis.openapi.media_type(ODS, st.binary(max_size=200))
schemathesis.openapi.media_type("application/zip", st.binary(max_size=200))


def test_the_operations_that_are_tested_are_those_of_the_running_hub(running: RunningHub) -> None:
    assert requests.get(f"{running.address}/openapi.json", timeout=60).json() == document


RULES_BETWEEN_FIELDS = {
    *(
        operation_id
        for operation_id in OPERATIONS
        if operation_id.split("_")[0] in {"post", "put"}
        and operation_id.partition("_")[2] in {kind.operation for kind in KINDS}
    ),
    "approve_statistic_draft", "change_comment_state", "check_statistic_draft", "correct_comment",
    "explain_statistic_flag", "list_statistic_drafts", "put_statistic_draft",
    "reopen_statistic_draft", "submit_statistic_draft",
    "get_collaboration_dynamics", "get_collaboration_node", "get_helpfulness",
    "get_link_uptime", "get_ranking",
    "get_scenario_effect", "get_simbg_permit",
    "get_statistics_template", "get_usage_completeness", "get_usage_summary", "list_consumption",
    "list_services",
    "list_usage_statistics", "plan_maintenance",
    "post_assessment", "post_assessment_draft", "post_attendance_entry", "post_comment",
    "post_comment_forwardings", "post_helpfulness", "post_method",
    "post_open311_request",
    "post_rating_tokens", "post_scenario", "post_survey_follow_up", "post_survey_invitations",
    "post_source", "post_usage_events", "post_usage_statistics",
    "put_agency", "put_announcement_draft", "put_document_type", "put_draft",
    "put_life_event", "put_link", "put_meeting_plan", "put_place", "put_service",
    "put_source", "put_survey_follow_up_action", "put_survey_round", "remind_of_month",
    "retract_usage",
    "calculate_index", "calculate_method",
    "send_oss_license", "send_oss_license_status",
}  # fmt: skip
"""Operations with rules between fields, which no schema can state: what breaks one gets 422."""
assert set(OPERATIONS) >= RULES_BETWEEN_FIELDS

LENIENT: dict[str, list[Any]] = {
    **{operation_id: [positive_data_acceptance] for operation_id in RULES_BETWEEN_FIELDS},
    # A workbook and a bundle have no schema that could be broken.
    "import_evidence": [negative_data_rejection, positive_data_acceptance],
    "import_catalog": [negative_data_rejection, positive_data_acceptance],
    "import_bundle": [negative_data_rejection, positive_data_acceptance],
    # DELETE of a comment takes these words for a ticket, and refuses them as such.
    "get_comment_form": [unsupported_method],
    "get_comment_summary": [unsupported_method],
    # A body without a key may hold less: its longest list is 413 before the key is looked for.
    "post_usage_statistics": [positive_data_acceptance, ignored_auth],
    # Any bytes fit the schema of a sheet, and few are a table.
    "upload_usage_statistics": [negative_data_rejection, positive_data_acceptance],
    "import_simbg_recap": [negative_data_rejection, positive_data_acceptance],
    # OSS reads what was wrong from the body of an answer that is always 200.
    **{
        operation_id: [negative_data_rejection]
        for operation_id in OPERATIONS
        if operation_id.startswith("oss_receive_")
    },
}
CALLS = [
    pytest.param(
        operation_id, with_key, id=f"{operation_id}-{'with' if with_key else 'without'}-key"
    )
    for operation_id, is_protected in OPERATIONS.items()
    for with_key in ([False, True] if is_protected else [False])
]


@cache
def operations_of(at_random: bool) -> dict[str, APIOperation[Any, Any, Any, Any]]:
    """Return the operations by id; they share what was read of the document, 25 ms each."""
    found: dict[str, APIOperation[Any, Any, Any, Any]] = {}
    for result in (random_only if at_random else api).get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        found[operation.definition.raw["operationId"]] = operation
    return found


def has_wrong_type(case: Case[Any]) -> bool:
    """Return whether a field of this call has another type than its schema, by plan."""
    data = case.meta.phase.data if case.meta else None
    return isinstance(data, CoveragePhaseData) and data.scenario is CoverageScenario.INCORRECT_TYPE


@pytest.mark.parametrize("operation_id", sorted(set(OPERATIONS) - FILES))
def test_an_operation_answers_as_the_document_says(running: RunningHub, operation_id: str) -> None:
    """The document's examples, and one random call; that a key is needed is tested elsewhere."""
    send_calls(running, operation_id, with_key=OPERATIONS[operation_id], at_random=True, number=1)


@pytest.mark.slow
@pytest.mark.parametrize(("operation_id", "with_key"), CALLS)
def test_an_operation_conforms_to_the_document(
    running: RunningHub, operation_id: str, with_key: bool
) -> None:
    """The document's examples, its limits, and random calls of one operation."""
    is_refused = OPERATIONS[operation_id] and not with_key
    number = REFUSED if is_refused else EXAMPLES
    if operation_id in TOO_MANY_LIMITS:  # seconds each
        number = max(1, number // 2)
    send_calls(
        running,
        operation_id,
        with_key=with_key,
        at_random=is_refused or operation_id in SAME_BODY | TOO_MANY_LIMITS | FILES,
        number=number,
    )


def send_calls(
    running: RunningHub, operation_id: str, *, with_key: bool, at_random: bool, number: int
) -> None:
    """Call an operation and check its answers.

    It gets its examples, `number` random calls, and each limit of its schemas unless `at_random`.
    """
    wrong_types = count()

    def call(case: Case[Any]) -> None:
        if has_wrong_type(case) and next(wrong_types) % WRONG_TYPES:
            return
        # Asked for the result of each event, the hub takes what is right and names the rest.
        given = {name.lower() for name in [*(case.query or {}), *(case.headers or {})]}
        each = operation_id == "post_usage_events" and not given.isdisjoint({"detail", "prefer"})
        # The key that goes with the call stands in for one that was made wrong, or left out.
        key = str((case.headers or {}).get("Authorization", ""))
        mended = with_key and not key.startswith("Bearer ")
        excluded = [negative_data_rejection] if each or mended else LENIENT.get(operation_id)
        case.call_and_validate(
            base_url=running.address,
            session=running.session,
            headers=running.admin if with_key else None,
            timeout=SLOW_SECONDS,
            excluded_checks=excluded,
        )

    schema = random_only if at_random else api
    # What `parametrize` of schemathesis does at collection, where each worker would do it for all.
    calls = build_operation_test(
        config=schema.config,
        operation=operations_of(at_random)[operation_id],
        test_func=call,
        explicit_settings=examples(BOUNDS, max_examples=number),
        given_kwargs={},
        feedback=FeedbackSources(constants_value_source=make_constants_value_source(schema)),
    )
    calls()


@pytest.mark.slow
def test_calls_that_follow_from_each_other_are_answered_as_documented(running: RunningHub) -> None:
    """Pass the response of one operation to the next: a list's item, a created record."""
    found: list[Exception] = []
    Machine: type[APIStateMachine] = api.as_state_machine()  # noqa: N806

    class AtTheHub(Machine):
        def get_call_kwargs(self, case: Case[Any]) -> dict[str, object]:
            return {
                "base_url": running.address,
                "session": running.session,
                "headers": running.admin,
                "timeout": SLOW_SECONDS,
            }

        def validate_response(self, response: Any, case: Case[Any], *_: Any, **__: Any) -> None:
            excluded = LENIENT.get(case.operation.definition.raw["operationId"])
            try:
                case.validate_response(response, excluded_checks=excluded)
            except Exception as failure:
                found.append(failure)
                raise

    walks = examples(BOUNDS, max_examples=WALKS, stateful_step_count=6)
    for start in range(0, EXAMPLES, WALKS):
        try:
            seed(start)(AtTheHub).run(settings=walks)
        except FlakyStrategyDefinition:
            # The hub keeps what was done: a walk whose beginning is repeated meets another hub.
            assert not found, found
