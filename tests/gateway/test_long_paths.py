"""Paths of any length are answered, and not kept."""

import gc
import tracemalloc
from urllib.parse import urlsplit

import pytest

from tests.conftest import Hub
from tests.waiting import until

pytestmark = pytest.mark.slow

LONG = "\N{GRINNING FACE}" + "a" * 30_000
"""One wide character makes four bytes of every other in memory."""


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/x"),
        ("GET", "/api/v1/usage/x"),
        ("GET", "/x"),
        ("GET", "/aduan/"),
        ("GET", "/go/"),
        ("GET", "/api/v1/links/x.pdf"),
        ("POST", "/api/v1/comments/x"),
        ("OPTIONS", "/api/v1/x"),
    ],
)
def test_long_paths_leave_nothing_in_memory(shared: Hub, method: str, path: str) -> None:
    def ask(number: int) -> None:
        answer = shared.client.request(method, f"{path}{number}{LONG}", follow_redirects=False)
        assert answer.status_code < 500

    def is_released() -> bool:
        gc.collect()
        return tracemalloc.get_traced_memory()[0] < 1_000_000

    ask(0)
    tracemalloc.start()
    try:
        for number in range(1, 20):
            ask(number)
        for number in range(128):  # urllib keeps so many URLs
            urlsplit(f"http://hub/{number}")
        # What is written to the log or to the audit log waits for its turn.
        until(is_released)
    finally:
        tracemalloc.stop()
