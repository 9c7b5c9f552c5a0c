"""The breaker opens at an error ratio, rests, lets one probe through, and obeys its operator."""

import pytest

from services.gateway.outbound.circuit_breaker import Breaker, Rule

RULE = Rule(window=60, minimum=4, ratio=0.5, rest=30)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(RULE, clock)


def call(breaker: Breaker, *, failed: bool) -> bool:
    """A call, if it is let through."""
    admission = breaker.admit()
    if admission is not None:
        breaker.settle(admission, failed=failed)
    return admission is not None


def test_few_failures_say_nothing(breaker: Breaker) -> None:
    for _ in range(3):
        assert call(breaker, failed=True)
    assert breaker.state == "closed"


def test_at_the_ratio_it_opens_and_lets_nothing_through(breaker: Breaker) -> None:
    for failed in (False, False, True, True):
        assert call(breaker, failed=failed)
    assert breaker.state == "open"
    assert not call(breaker, failed=False)


def test_below_the_ratio_it_stays_closed(breaker: Breaker) -> None:
    for failed in (False, False, False, True, True):
        call(breaker, failed=failed)
    assert breaker.state == "closed"


def test_failures_outside_the_window_are_forgotten(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        call(breaker, failed=True)
    clock.now = 61
    call(breaker, failed=True)
    assert (breaker.state, breaker.counted()) == ("closed", (1, 1))


def opened(breaker: Breaker) -> None:
    for _ in range(4):
        call(breaker, failed=True)


def test_after_its_rest_one_probe_goes_at_a_time(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = 29
    assert breaker.admit() is None
    clock.now = 30
    probe = breaker.admit()
    assert probe is not None
    assert breaker.admit() is None
    breaker.settle(probe, failed=False)
    assert breaker.state == "closed"
    assert breaker.counted() == (0, 0)


def test_a_probe_that_fails_begins_the_rest_anew(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = 30
    assert call(breaker, failed=True)
    clock.now = 59
    assert not call(breaker, failed=False)
    clock.now = 60
    assert call(breaker, failed=False)
    assert breaker.state == "closed"


def test_a_call_from_before_that_ends_late_is_no_probe(breaker: Breaker, clock: Clock) -> None:
    late = breaker.admit()
    assert late is not None
    opened(breaker)
    clock.now = 30
    probe = breaker.admit()
    assert probe is not None
    breaker.settle(late, failed=False)
    assert breaker.state == "half_open"
    assert breaker.admit() is None


def test_an_operator_opens_and_closes_it_whatever_the_rule_says(breaker: Breaker) -> None:
    breaker.switch = "open"
    assert breaker.admit() is None
    breaker.switch = "closed"
    opened(breaker)
    assert call(breaker, failed=True)
    breaker.switch = "automatic"
    assert breaker.state == "open"
