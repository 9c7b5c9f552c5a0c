"""JSON documents, forms and query strings that would hold the event loop."""

import json

import pytest

from services.platform.request_body import ANONYMOUS_LIMITS, KEY_LIMITS
from tests.conftest import Hub

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n1\r\n'
FILE = PART.replace(b'"%b"', b'"photo"; filename="a"')
MOST = ANONYMOUS_LIMITS.max_bytes


def members(count: int) -> bytes:
    return b"{" + b",".join(b'"k%d":1' % number for number in range(count)) + b"}"


@pytest.mark.parametrize(
    ("path", "media_type", "body", "status"),
    [
        ("/api/v1/comments", JSON, members(200_000), 413),
        ("/api/v1/comments", JSON, members(ANONYMOUS_LIMITS.max_members + 1), 413),
        ("/api/v1/comments", "application/vnd.x+json; charset=utf-8", members(6_000), 413),
        ("/api/v1/surveys/skm/responses", JSON, b"[" + b"{}," * MOST + b"{}]", 413),
        ("/api/v1/comments", JSON, members(4_000), 413),
        ("/api/v1/comments", JSON, members(1_000), 422),
        ("/api/v1/comments", JSON, b"[" * MOST, 422),
        ("/api/v1/comments", JSON, b'{"a":' * 4_000, 422),
        ("/api/v1/comments", JSON, b'{"text":' + b"9" * 200_000 + b"}", 422),
        ("/api/v1/comments", JSON, b"[" + b"1e999999," * 4_000 + b"1]", 422),
        ("/survei/skm", FORM, b"a=1&" * 100_000, 413),
        ("/survei/skm", FORM, b"a=" + b"%41" * 200_000, 413),
        ("/survei/skm", FORM, b"a=" + b"%41" * 40_000, 413),
        ("/aduan", FORM, b"%41" * 40_000, 413),
        ("/open311/v2/requests.json", FORM, b"a=" + b"%E2%82%AC" * 20_000, 413),
        ("/aduan", FORM, b"a=1&" * 100_000, 413),
        ("/unggah/masuk", FORM, b"a=1&" * 100_000, 413),
        ("/open311/v2/requests.json", FORM, b"a=1&" * 100_000, 413),
        ("/aduan", MULTIPART, PART * 100_000 + b"--x--\r\n", 400),
        ("/aduan", MULTIPART, FILE * 100_000 + b"--x--\r\n", 400),
        ("/aduan", MULTIPART, PART % (b"a" * 1_000_000) + b"--x--\r\n", 400),
        ("/aduan", MULTIPART, b"--x\r\n" + b"X: a\r\n" * 200_000 + b"\r\n1\r\n--x--\r\n", 400),
    ],
)
def test_a_body_that_takes_long_to_parse_is_refused_in_time(
    shared: Hub, path: str, media_type: str, body: bytes, status: int
) -> None:
    answer = shared.client.post(path, content=body, headers={"Content-Type": media_type})
    assert answer.status_code == status, answer.text[:300]
    assert len(answer.content) < 20_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "encoding", ["unicode_escape", "utf-7", "punycode", "undefined", "no-such", "a\0", '"utf-16"']
)
@pytest.mark.parametrize(
    ("path", "field", "status"),
    [
        ("/aduan", "text", 422),
        ("/kelola/masuk", "surel", 403),
        ("/unggah/masuk", "key", 403),
        ("/api/v1/usage/statistics/upload", "file", 422),
    ],
)
def test_a_form_in_an_encoding_that_is_none_of_the_web_is_read_as_utf_8(
    shared: Hub, path: str, field: str, status: int, encoding: str
) -> None:
    body = PART.replace(b"1", b"\\ud800 +2AA- \xff") % field.encode() + b"--x--\r\n"
    headers = shared.auth("dukcapil", "usage:write") if path.startswith("/api/") else {}
    kind = f"multipart/form-data; charset={encoding}; boundary=x"
    answer = shared.client.post(path, content=body, headers=headers | {"Content-Type": kind})
    assert answer.status_code == status, answer.text[:300]


def test_a_key_may_send_more(shared: Hub) -> None:
    statistic = {"service": "ktp-elektronik", "channel": "counter", "period": "2024-03", "kind": 1}
    body = json.dumps({"statistics": [statistic] * 1_000}).encode()
    assert len(body) < KEY_LIMITS.max_bytes
    headers = {"Content-Type": JSON}
    path = "/api/v1/usage/statistics"
    assert shared.client.post(path, content=body, headers=headers).status_code in {401, 413}
    key = shared.auth("disdukcapil", "usage:write")
    answer = shared.client.post(path, content=body, headers=headers | key)
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 100
    answer = shared.client.post(path, content=members(13_000), headers=headers | key)
    assert answer.status_code == 413
    answer = shared.client.post(
        "/api/v1/usage/events", content=members(90_000), headers=headers | key
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/services?" + "&".join(f"a{number}=1" for number in range(3_000)),
        "/api/v1/services?" + "limit=x&" * 3_000,
        "/api/v1/usage/summary?group_by=" + "a," * 10_000,
        "/?" + "q=a&" * 6_000,
    ],
)
def test_a_query_of_many_parameters_is_answered_in_time(shared: Hub, path: str) -> None:
    answer = shared.client.get(path)
    assert answer.status_code < 500
    assert len(answer.content) < 100_000
