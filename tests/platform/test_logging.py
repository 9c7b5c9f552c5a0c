"""What reaches the log, and in which form."""

import asyncio
import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from services.platform.logging import (
    LogFormat,
    LogLevel,
    Outage,
    RepeatedError,
    RequestContext,
    configure_logging,
    get_logger,
    request_context,
)
from services.platform.request_id import redact_path, traceparent


def configured(level: LogLevel = "INFO", log_format: LogFormat = "json") -> None:
    configure_logging(level=level, log_format=log_format, service="gateway")


def lines(written: Callable[[], str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written().splitlines()]


def test_a_json_line_carries_time_level_service_and_values(stderr: Callable[[], str]) -> None:
    configured()
    get_logger("services.feedback.events.writer").warning("batch refused", events=3)
    [line] = lines(stderr)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("time"))
    assert line == {
        "event": "batch refused",
        "level": "warning",
        "service": "feedback",
        "events": 3,
    }


def test_a_line_of_a_library_has_the_same_form(stderr: Callable[[], str]) -> None:
    configured()
    logging.getLogger("library").info("Started server process [%d]", 7)
    [line] = lines(stderr)
    assert (line["event"], line["service"]) == ("Started server process [7]", "gateway")


def test_the_request_stands_in_every_line(stderr: Callable[[], str]) -> None:
    configured()
    token = request_context.set(RequestContext("ab" * 16, "catalog"))
    get_logger("services.platform.database").info("hello")
    request_context.reset(token)
    [line] = lines(stderr)
    assert (line["request_id"], line["service"]) == ("ab" * 16, "catalog")


def test_the_level_is_obeyed_by_the_hubs_own_code(stderr: Callable[[], str]) -> None:
    configured(level="WARNING")
    log = get_logger("services.gateway.app")
    log.info("not this")
    log.warning("but this")
    assert [line["event"] for line in lines(stderr)] == ["but this"]


def test_a_terminal_gets_a_line_for_people(stderr: Callable[[], str]) -> None:
    configured(log_format="console")
    get_logger("services.gateway.app").info("link checked", link="simbg")
    text = stderr()
    assert "link checked" in text
    assert "link=simbg" in text
    assert not text.startswith("{")


def test_a_traceback_is_one_json_line(stderr: Callable[[], str]) -> None:
    configured()
    try:
        raise ValueError("no")
    except ValueError:
        get_logger("services.gateway.app").exception("job failed")
    [line] = lines(stderr)
    assert "ValueError: no" in line["exception"]


def test_a_connection_whose_end_was_cancelled_is_no_error(stderr: Callable[[], str]) -> None:
    configured()
    pool = logging.getLogger("sqlalchemy.pool.impl.AsyncAdaptedQueuePool")
    for error in (asyncio.CancelledError(), OSError("broken pipe")):
        pool.error("Exception closing connection", exc_info=error)
    [line] = lines(stderr)
    assert "broken pipe" in line["exception"]


def test_an_outage_is_one_line_at_its_start_and_one_at_its_end(stderr: Callable[[], str]) -> None:
    configured()
    outage = Outage(get_logger("services.platform.database"), "database")
    outage.succeeded()
    for _ in range(500):
        outage.failed(OSError("connection refused"))
    assert outage.is_ongoing
    outage.succeeded()
    outage.succeeded()
    start, end = lines(stderr)
    assert (start["event"], start["error"]) == (
        "database unavailable",
        "OSError: connection refused",
    )
    assert (end["event"], end["failed_calls"]) == ("database available again", 500)


def test_an_error_of_every_run_is_logged_once_and_its_end_once(stderr: Callable[[], str]) -> None:
    configured()
    error = RepeatedError(get_logger("services.platform.jobs").bind(job="count"), "job failed")
    error.succeeded()
    for _ in range(500):
        error.failed(raised(lambda: int("x")))
    error.failed(raised(lambda: {}["x"]))
    error.succeeded()
    error.succeeded()
    error.failed(raised(lambda: int("x")))
    first, other, end, again = lines(stderr)
    assert "ValueError" in first["exception"]
    assert "KeyError" in other["exception"]
    assert (end["event"], end["failures"]) == ("job failed before, works again", 501)
    assert {line["job"] for line in (first, other, end, again)} == {"count"}


def raised(work: Callable[[], object]) -> Exception:
    """Return the error that something raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of any type
        work()
    return caught.value


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api/v1/services/ktp-el", "/api/v1/services/ktp-el"),
        ("/api/v1/comments/7KX2-99/replies", "/api/v1/comments/*/*"),
        ("/nilai/abcdefghijkl", "/nilai/*"),
        ("/api/v1/oss/nib/1234567890123", "/api/v1/oss/nib/*"),
        ("/api/v1/usage/rating-tokens/Zx81-Q", "/api/v1/usage/rating-tokens/*"),
    ],
)
def test_secrets_of_paths_do_not_reach_the_log(path: str, shown: str) -> None:
    assert redact_path(path) == shown


def test_the_id_travels_as_a_trace_id() -> None:
    assert re.fullmatch(rb"00-(ab){16}-[0-9a-f]{16}-01", traceparent("ab" * 16))
