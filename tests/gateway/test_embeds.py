"""Charts on other websites, and the presentation for a meeting."""

import re
from xml.etree import ElementTree as ET

import pytest

from services.platform.service import API
from tests.conftest import Hub

FRAMES = re.compile(r"frame-ancestors ([^;]+)")


@pytest.fixture(scope="module")
def hub(toba_hub: Hub) -> Hub:
    stored = toba_hub.client.post(
        f"{API}/assessments",
        json={"period": 2024, "draws": 500},
        headers=toba_hub.auth("diskominfo", "metrics:draft"),
    )
    assert stored.status_code == 201
    return toba_hub


def test_a_chart_may_be_framed_by_anyone_and_nothing_else_may(hub: Hub) -> None:
    page = hub.client.get("/dasbor/2024/bagan/unsur")
    snippet = re.search(r"src=&#34;|src=\"http://testserver(/embed/[^\"]+)\"", page.text)
    assert snippet is not None
    framed = hub.client.get("/embed/2024/unsur")
    policy = framed.headers["content-security-policy"]
    assert FRAMES.findall(policy) == ["*"]
    assert "script-src" not in policy
    assert "<script" not in framed.text
    assert framed.headers["cache-control"] == "public, max-age=3600"
    assert 'target="_blank" href="/dasbor/2024/unsur/' in framed.text
    for path in ("/dasbor/2024/bagan/unsur", "/dasbor", "/embed/2024/nothing", "/dasbor/skenario"):
        other = hub.client.get(path).headers["content-security-policy"]
        assert FRAMES.findall(other) == ["'none'"], path


def test_a_badge_tells_the_newest_index(hub: Hub) -> None:
    answer = hub.client.get("/embed/lencana.svg")
    index = hub.client.get(f"{API}/metrics/trend?method=cgr-2015").json()["items"][-1]["nodes"][0]
    words = " ".join(ET.fromstring(answer.text).itertext())
    assert f"{index['value']:.0f} dari 100" in words
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert "100" in hub.client.get("/embed/lencana.svg?lang=en").text


def test_the_presentation_has_one_thing_a_screen_and_anchors_between_them(hub: Hub) -> None:
    page = hub.client.get("/dasbor/2024/tayangan").text
    slides = re.findall(r'<section class="slide" id="(\d+)">', page)
    assert slides == [str(n) for n in range(1, len(slides) + 1)]
    assert len(slides) == 4
    for at in slides[1:]:
        assert f'href="#{at}"' in page
    assert hub.client.get("/dasbor/2090/tayangan").status_code == 404
    assert hub.client.get("/dasbor/2023/tayangan").status_code == 200
