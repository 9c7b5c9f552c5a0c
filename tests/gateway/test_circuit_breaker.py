"""The breaker opens at an error ratio, rests, lets one probe through, and obeys its operator."""

import pytest

from services.gateway.outbound.circuit_breaker import BreakerPolicy, CircuitBreaker

RULE = BreakerPolicy(window=60, min_calls=4, failure_ratio=0.5, reset_timeout=30)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(RULE, clock)


def call(breaker: CircuitBreaker, *, failed: bool) -> bool:
    """Make a call, if the breaker allows it."""
    admission = breaker.acquire()
    if admission is not None:
        breaker.record(admission, failed=failed)
    return admission is not None


def test_few_failures_do_not_open_it(breaker: CircuitBreaker) -> None:
    for _ in range(3):
        assert call(breaker, failed=True)
    assert breaker.state == "closed"


def test_at_the_failure_ratio_it_opens_and_blocks_all_calls(breaker: CircuitBreaker) -> None:
    for failed in (False, False, True, True):
        assert call(breaker, failed=failed)
    assert breaker.state == "open"
    assert not call(breaker, failed=False)


def test_below_the_ratio_it_stays_closed(breaker: CircuitBreaker) -> None:
    for failed in (False, False, False, True, True):
        call(breaker, failed=failed)
    assert breaker.state == "closed"


def test_failures_outside_the_window_do_not_count(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(3):
        call(breaker, failed=True)
    clock.now = 61
    call(breaker, failed=True)
    assert (breaker.state, breaker.call_counts()) == ("closed", (1, 1))


def opened(breaker: CircuitBreaker) -> None:
    for _ in range(4):
        call(breaker, failed=True)


def test_after_its_rest_one_probe_goes_at_a_time(breaker: CircuitBreaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = 29
    assert breaker.acquire() is None
    clock.now = 30
    probe = breaker.acquire()
    assert probe is not None
    assert breaker.acquire() is None
    breaker.record(probe, failed=False)
    assert breaker.state == "closed"
    assert breaker.call_counts() == (0, 0)


def test_a_probe_that_fails_begins_the_rest_anew(breaker: CircuitBreaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = 30
    assert call(breaker, failed=True)
    clock.now = 59
    assert not call(breaker, failed=False)
    clock.now = 60
    assert call(breaker, failed=False)
    assert breaker.state == "closed"


def test_a_call_from_before_that_ends_late_is_no_probe(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    late = breaker.acquire()
    assert late is not None
    opened(breaker)
    clock.now = 30
    probe = breaker.acquire()
    assert probe is not None
    breaker.record(late, failed=False)
    assert breaker.state == "half_open"
    assert breaker.acquire() is None


def test_an_operator_overrides_the_policy(breaker: CircuitBreaker) -> None:
    breaker.override = "open"
    assert breaker.acquire() is None
    breaker.override = "closed"
    opened(breaker)
    assert call(breaker, failed=True)
    breaker.override = "automatic"
    assert breaker.state == "open"
