"""Bodies as programs and browsers send them: JSON by any header, files as body or form."""

import io
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.conftest import Hub

API = "/api/v1"
JSON = "application/json"
COMMENT = b'{"kind": "complaint", "category": "time", "text": "Antrean lama."}'
CSV_HEAD = "layanan;kanal;bulan;masuk (submitted)\n"
INDONESIAN = {"Accept-Language": "id-ID,id;q=0.9,en;q=0.5"}


def post(
    hub: Hub, path: str, content: bytes, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Send a body with these headers and no others."""
    request = hub.client.build_request("POST", path, content=content, headers=headers)
    return hub.client.send(request)


@pytest.mark.parametrize("before", [b"", b"\n  ", b"\xef\xbb\xbf"])
def test_json_without_a_type_is_read(shared: Hub, before: bytes) -> None:
    answer = post(shared, f"{API}/comments", before + COMMENT)
    assert answer.status_code == 201, answer.text


def test_json_in_pieces_without_a_type_is_read(shared: Hub) -> None:
    pieces = iter([b"\n", COMMENT[:1], COMMENT[1:]])
    assert shared.client.post(f"{API}/comments", content=pieces).status_code == 201


@pytest.mark.parametrize(
    "given",
    [
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "text/json",
        "application/octet-stream",
        "multipart/form-data; boundary=x",
        "json",
    ],
)
def test_json_of_another_type_is_told_the_header_to_send(shared: Hub, given: str) -> None:
    for content in (COMMENT, b"kind=complaint&text=a"):
        answer = post(shared, f"{API}/comments", content, {"Content-Type": given})
        assert answer.status_code == 415, answer.text
        assert answer.headers["accept"] == JSON
        problem = answer.json()
        assert problem["type"] == "urn:emall:problem:unsupported-media-type"
        assert f"Content-Type: {JSON}" in problem["detail"]
    told = post(shared, f"{API}/comments", COMMENT, {"Content-Type": given} | INDONESIAN)
    assert "Kirim dengan header Content-Type: application/json" in told.json()["detail"]
    assert told.headers["content-language"] == "id"


def test_what_is_no_json_without_a_type_is_told_too(shared: Hub) -> None:
    answer = post(shared, f"{API}/comments", b"kind=complaint")
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["detail"]


def test_json_to_an_operation_that_reads_a_form_is_told_so(shared: Hub) -> None:
    answer = post(shared, "/open311/v2/requests.json", b'{"service_code": "facility"}')
    assert answer.status_code == 415
    assert answer.headers["accept"].startswith("application/x-www-form-urlencoded")


def test_a_large_body_is_bounded_whatever_its_type_says(shared: Hub) -> None:
    large = b'{"kind": "complaint", "text": "' + b"a" * 300_000 + b'"}'
    assert post(shared, f"{API}/comments", large).status_code == 413


@pytest.fixture(scope="module")
def writer(shared: Hub) -> dict[str, str]:
    return shared.auth("diskominfo", "admin")


UPLOADS = [
    (f"{API}/usage/statistics/upload?agency=dukcapil&dry_run=true", "text/csv"),
    (f"{API}/simbg/recaps?dry_run=true", "application/vnd"),
    (f"{API}/evidence/import?dry_run=true", "application/vnd"),
    (f"{API}/catalog/import?dry_run=true", "application/vnd"),
    (f"{API}/bundles", "application/zip"),
]


def as_form(content: bytes, *, name: str = "file", filename: str = "a.csv") -> dict[str, Any]:
    return {"files": {name: (filename, io.BytesIO(content))}}


@pytest.mark.slow
@pytest.mark.parametrize(("path", "kind"), UPLOADS)
def test_a_file_in_a_form_is_read_as_one_in_the_body(
    shared: Hub, writer: dict[str, str], path: str, kind: str
) -> None:
    # Most of these start a process that reads the file.
    for content, names in (
        (CSV_HEAD.encode(), ("file", "berkas")),
        (b"PK\x03\x04 no archive", ("userfile[]",)),
    ):
        alone = post(shared, path, content, writer | {"Content-Type": kind})
        for name in names:
            form = shared.client.post(path, headers=writer, **as_form(content, name=name))
            own_members = {"request_id", "instance"}
            got, expected = form.json(), alone.json()
            assert form.status_code == alone.status_code
            assert {k: got[k] for k in got.keys() - own_members} == {
                k: expected[k] for k in expected.keys() - own_members
            }


@pytest.mark.parametrize(("path", "kind"), UPLOADS)
def test_an_upload_that_holds_no_file_is_told_what_to_change(
    shared: Hub, writer: dict[str, str], path: str, kind: str
) -> None:
    json = post(shared, path, b'{"file": "AAAA"}', writer)
    assert json.status_code == 415
    assert f"Content-Type: {kind}" in json.json()["detail"]
    no_boundary = post(
        shared, path, b"--x\r\n\r\n--x--", writer | {"Content-Type": "multipart/form-data"}
    )
    assert no_boundary.status_code == 400
    assert "boundary" in no_boundary.json()["detail"]
    only_fields = shared.client.post(
        path, headers=writer | INDONESIAN, files={"file": (None, "layanan;kanal")}
    )
    assert only_fields.status_code == 422
    [error] = only_fields.json()["errors"]
    assert (error["pointer"], "CURLFile" in error["detail"]) == ("#/file", True)
    two = shared.client.post(
        path, headers=writer, files=[("a", ("a.csv", b"x")), ("b", ("b.csv", b"y"))]
    )
    assert two.status_code == 422
    lines_lost = post(
        shared,
        path,
        CSV_HEAD.strip().encode(),
        writer | {"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert lines_lost.status_code == 415
    assert "--data-binary" in lines_lost.json()["detail"]


def test_a_workbook_that_curl_calls_a_form_is_not_bounded_as_one(
    shared: Hub, writer: dict[str, str]
) -> None:
    content = b"PK\x03\x04" + b"&\n" * 30_000
    answer = post(
        shared,
        f"{API}/evidence/import",
        content,
        writer | {"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/(file)/A1"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"text": None}, "harus berupa teks"),
        ({"text": ""}, "paling sedikit 3 karakter"),
        ({"category": "moon"}, "harus salah satu dari"),
        ({"latitude": 100, "longitude": 1}, "paling besar"),
        ({"colour": "red"}, "tidak dikenal"),
        ({"latitude": 1}, "harus diisi bersama"),
        ({"district": "x"}, "tidak sesuai pola"),
    ],
)
def test_what_is_wrong_with_a_field_is_said_in_the_readers_language(
    shared: Hub, change: dict[str, Any], told: str
) -> None:
    body = {"kind": "complaint", "category": "time", "text": "Antrean."} | change
    answer = shared.client.post(f"{API}/comments", json=body, headers=INDONESIAN)
    assert answer.status_code == 422
    problem = answer.json()
    assert told in problem["errors"][0]["detail"]
    assert problem["detail"].startswith("Lihat errors[]")
    assert "accept-language" in answer.headers["vary"].lower()
    english = shared.client.post(f"{API}/comments", json=body).json()
    assert english["errors"][0]["detail"] != problem["errors"][0]["detail"]


@pytest.mark.parametrize("content", [b"{", b'{"kind": }', b"[1,"])
def test_json_with_a_mistake_names_the_place(shared: Hub, content: bytes) -> None:
    answer = post(shared, f"{API}/comments", content, {"Content-Type": JSON} | INDONESIAN)
    assert answer.status_code == 422
    assert "bukan JSON yang benar, mulai karakter ke-" in answer.json()["errors"][0]["detail"]
