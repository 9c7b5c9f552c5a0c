"""Waiting for what happens beside a test, as long as a loaded machine may need."""

import time
from collections.abc import Callable

from tests.rows import kept_connections


def until(holds: Callable[[], bool], otherwise: str = "it did not come to pass") -> None:
    """Wait until a condition is true; fail with this message after 60 seconds.

    What takes long is asked less often, so that asking does not hold it up.
    """
    start = time.monotonic()
    with kept_connections():
        while not holds():
            waited = time.monotonic() - start
            assert waited < 60, otherwise
            time.sleep(min(0.01 + waited / 20, 0.1))
