"""The form of an answer by `Accept`."""

import pytest
from starlette.requests import Request

from services.platform.content_negotiation import negotiate_format

OFFERED = {"html": "text/html", "pdf": "application/pdf", "csv": "text/csv"}


def asking(accept: str | None) -> Request:
    headers = [] if accept is None else [(b"accept", accept.encode("latin-1"))]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "html"),
        ("", "html"),
        ("*/*", "html"),
        ("application/pdf", "pdf"),
        ("text/csv;q=0.9, application/pdf;q=0.5", "csv"),
        ("text/html;q=0, */*;q=0.1", "pdf"),
        ("text/*;q=0.2, application/pdf;q=0.1", "html"),
        ("TEXT/CSV", "csv"),
        ("image/png", "html"),
        ("application/pdf;q=nonsense, text/csv;q=0.1", "csv"),
        (",;=;q=,", "html"),
    ],
)
def test_the_form_is_the_one_that_is_accepted_most(accept: str | None, expected: str) -> None:
    assert negotiate_format(asking(accept), None, OFFERED) == expected


def test_a_form_that_is_given_wins() -> None:
    assert negotiate_format(asking("application/pdf"), "csv", OFFERED) == "csv"
