"""A response says what its body is, and of a text in which character set it is written."""

import re

import pytest

from tests.conftest import Hub

pytestmark = pytest.mark.slow

API = "/api/v1"
WITHOUT_CHARSET = re.compile(
    r"application/([\w.]+\+)?json|application/(pdf|zip)|image/(png|jpeg|webp)"
)
"""Types without a parameter `charset`: JSON is UTF-8 by definition (RFC 8259), or no text."""


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/docs",
        "/openapi.json",
        "/static/emall.css",
        "/static/icon.svg",
        "/static/survey.js",
        "/status.atom",
        "/survei/worker.js",
        "/poster/layanan/ktp-el.svg",
        "/poster/layanan/ktp-el.pdf",
        "/open311/v2/services.xml",
        f"{API}/nothing",
        f"{API}/evidence/calendar.ics",
        f"{API}/links/simbg/badge.svg",
        f"{API}/links/sla.csv?year=2024",
        f"{API}/network.svg?period=2024",
        f"{API}/usage/reminders.ics?agency=dukcapil",
    ],
)
def test_a_text_names_its_character_set(shared: Hub, path: str) -> None:
    answer = shared.client.get(path, headers={"Accept": "*/*"})
    media_type, *parameters = answer.headers["content-type"].split("; ")
    expected = [] if WITHOUT_CHARSET.fullmatch(media_type) else ["charset=utf-8"]
    assert parameters == expected
