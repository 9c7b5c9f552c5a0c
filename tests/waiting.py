"""Waiting for what happens beside a test, as long as a loaded machine may need."""

import time
from collections.abc import Callable


def until(holds: Callable[[], bool], otherwise: str = "it did not come to pass") -> None:
    """Wait until a condition is true; fail with this message after 60 seconds."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, otherwise
        time.sleep(0.01)
