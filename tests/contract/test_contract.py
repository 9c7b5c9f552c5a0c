"""Every operation of the unified document, called in every way that it allows and forbids.

`EMALL_EXAMPLES` sets the examples of each operation; `EMALL_EXAMPLES=200` is the thorough run.
Each operation is a test of its own, so that the workers share them.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as examples
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.stateful.state_machine import APIStateMachine
from schemathesis.specs.openapi.checks import negative_data_rejection

from services.assessment.evidence.workbook import to_workbook
from services.platform.spreadsheets import XLSX
from tests.contract.conftest import RunningHub
from tests.contract.document import unified_document_at_rest

pytestmark = pytest.mark.contract

EXAMPLES = int(os.environ.get("EMALL_EXAMPLES", "10"))
BOUNDS = examples(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
SLOW_SECONDS = 60
"""A busy machine is no fault of the hub."""

document = unified_document_at_rest()
OPERATIONS: dict[str, bool] = {
    operation["operationId"]: "security" in operation
    for operations in document["paths"].values()
    for operation in operations.values()
}
"""Whether an operation asks for a key; those that do not are called without one alone."""

config = SchemathesisConfig.from_dict(
    {
        "seed": 1,
        "checks": {
            "positive_data_acceptance": {
                # 412: an `If-Match` may be well formed and name no state that was given.
                "expected-statuses": ["2xx", "3xx", 401, 403, 404, 409, 412, 429, "5xx"]
            }
        },
    }
)
api = schemathesis.openapi.from_dict(document, config=config)
schemathesis.openapi.media_type(XLSX, st.just(to_workbook({})))


def test_the_operations_that_are_tested_are_those_of_the_running_hub(running: RunningHub) -> None:
    assert requests.get(f"{running.address}/openapi.json", timeout=60).json() == document


def call_of(operation_id: str, *, with_key: bool) -> Callable[..., None]:
    """The test of one operation: the document's examples, its limits, and random calls."""

    @api.include(operation_id=operation_id).parametrize()  # pyright: ignore[reportUntypedFunctionDecorator]
    @BOUNDS
    def call(case: Case[Any], running: RunningHub) -> None:
        # Asked for the result of each event, the hub takes what is right and names the rest.
        given = {name.lower() for name in [*(case.query or {}), *(case.headers or {})]}
        each = operation_id == "post_usage_events" and not given.isdisjoint({"detail", "prefer"})
        # A workbook has no schema that could be broken.
        lenient = each or operation_id == "import_evidence"
        case.call_and_validate(
            base_url=running.address,
            headers=running.admin if with_key else None,
            timeout=SLOW_SECONDS,
            excluded_checks=[negative_data_rejection] if lenient else None,
        )

    return call


# A function for each, not one for all: the ids that schemathesis gives the operations of one
# function are the same to xdist, which then runs the first and leaves out the rest.
for name, is_protected in OPERATIONS.items():
    globals()[f"test_{name}_without_a_key"] = call_of(name, with_key=False)
    if is_protected:
        globals()[f"test_{name}_with_a_key"] = call_of(name, with_key=True)


def test_every_operation_is_a_test_that_the_workers_can_tell_apart(
    request: pytest.FixtureRequest,
) -> None:
    ids = [item.nodeid for item in request.session.items]
    assert len(ids) == len(set(ids))
    assert len(OPERATIONS) == sum(len(operations) for operations in document["paths"].values()) > 40


def test_calls_that_follow_from_each_other_are_answered_as_documented(running: RunningHub) -> None:
    """What one operation answers is given to the next: a list's item, a created record."""
    Machine: type[APIStateMachine] = api.as_state_machine()  # noqa: N806

    class AtTheHub(Machine):
        def get_call_kwargs(self, case: Case[Any]) -> dict[str, object]:
            return {
                "base_url": running.address,
                "headers": running.admin,
                "timeout": SLOW_SECONDS,
            }

    AtTheHub.run(settings=examples(BOUNDS, stateful_step_count=6))
