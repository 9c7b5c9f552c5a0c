"""Mock server of OSS: answers as the guide defines, or fails in a given way.

`PUT /mock` with `{"mode": ..., "times": n}` sets how the next n messages are answered (all, if
`times` is left out). `GET /mock` returns the received messages. `PUT /mock` with
`{"send": "receiveNIB", "to": "http://127.0.0.1:8000", "username": ..., "password": ...}` sends the
hub a signed message and returns the hub's answer; the message has the given `fields`, or every
field at its maximum length.
"""

import asyncio
from datetime import datetime
from typing import Any, get_args

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from services.gateway.connectors.oss.inbound_routes import PATHS
from services.gateway.connectors.oss.messages import (
    OSS_ZONE,
    Inbound,
    Outbound,
    compute_token,
    guide,
    nib_of,
    validate_message,
)
from services.platform.tls import default_ssl_context

USER_KEY = "mock"

MODES = (
    "ok",
    "kode-400",
    "kode-401",
    "kode-500",
    "kode-504",
    "status-500",
    "status-503",
    "not-json",
    "no-kode",
    "unexpected-list",
    "unexpected-numbers",
    "invalid-json",
    "slow",
    "slow-body",
    "truncated",
    "huge",
)

DATA: dict[Outbound, dict[str, Any]] = {
    "checkNIB": {"dataNIB": {"nama_perusahaan": "Usaha Contoh", "status": "01"}},
    "inqueryNIB": {
        "dataNIB": {
            "status_nib": "01",
            "nama_perseroan": "Usaha Contoh",
            "data_checklist": [
                {
                    "id_izin": "I-1",
                    "kd_izin": "029000000047",
                    "jenis_izin": "02",
                    "kd_daerah": "1212000000",
                    "nama_izin": "Izin Contoh",
                    "flag_checklist": "Y",
                    "status_checklist": "41",
                }
            ],
        }
    },
    "checkLicenseStatus": {"dataIZIN": {"kd_status": "41", "uraian_status": "Konfirmasi"}},
    "receiveLicenseStatus": {},
    "receiveLicense": {"nomor_izin": "0000"},
    "getDataReferensi": {
        "dataReferensi": [{"kode_referensi": "01", "uraian_referensi": "Badan Usaha"}]
    },
}


NUMERIC_FIELDS = ("status", "status_nib", "data_checklist", "kd_status")
"""Fields that the hub reads; mode `unexpected-numbers` puts a number into each."""


class MockState:
    """The mode of a mock server and the requests it received."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.times: int | None = None
        self.received: list[dict[str, Any]] = []

    def next_mode(self) -> str:
        """Return how to answer the next request, and count it."""
        mode = self.mode
        if self.times is not None:
            self.times -= 1
            if self.times <= 0:
                self.mode, self.times = "ok", None
        return mode


def create_oss_mock() -> Starlette:
    """Return the mock server's application."""
    state = MockState()

    async def control(request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"mode": state.mode, "received": state.received})
        command = await request.json()
        if "send" in command:
            return await _send(command)
        if command.get("mode") not in MODES:
            return JSONResponse({"modes": list(MODES)}, status_code=422)
        state.mode, state.times = command["mode"], command.get("times")
        return JSONResponse({"mode": state.mode})

    async def message(request: Request) -> Response:
        name: Any = request.path_params["message"]
        if name not in get_args(Outbound):
            return JSONResponse({"message": "no such service"}, status_code=404)
        body = await request.json()
        state.received.append({"message": name, "body": body})
        return await _answer(state.next_mode(), name, body, request.headers.get("user_key", ""))

    routes = [
        Route("/mock", control, methods=["GET", "PUT"]),
        Route("/{message}", message, methods=["POST"]),
    ]
    return Starlette(routes=routes)


async def _send(command: dict[str, Any]) -> Response:
    """Send the hub a message as OSS does, and return the hub's answer."""
    name: Any = command["send"]
    if name not in get_args(Inbound):
        return JSONResponse({"send": list(get_args(Inbound))}, status_code=422)
    body = {guide().messages[name].root: command.get("fields") or max_length_fields(name)}
    token = compute_token(
        str(command.get("username", "")),
        str(command.get("password", "")),
        nib_of(name, body),
        datetime.now(OSS_ZONE).date(),
    )
    address = f"{command.get('to', 'http://127.0.0.1:8000')}/api/v1/oss/{PATHS[name]}"
    try:
        async with httpx.AsyncClient(verify=default_ssl_context(), trust_env=False) as client:
            answer = await client.post(address, json=body, headers={"Token": token})
            return JSONResponse({"status": answer.status_code, "answer": answer.json()})
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return JSONResponse({"status": None, "answer": str(error)}, status_code=502)


def max_length_fields(name: Inbound | Outbound) -> dict[str, Any]:
    """Return every field of a message in the guide, each at its maximum length."""
    fields = guide().messages[name].fields

    def children(parent: str) -> dict[str, Any]:
        return {
            path.rpartition(".")[2]: value_of(path, kind, length or "")
            for path, (kind, length) in fields.items()
            if path.rpartition(".")[0] == parent
        }

    def value_of(path: str, kind: str, length: str) -> Any:
        if kind == "object":
            return children(path)
        return [children(path)] if kind == "object[]" else _longest(path, kind, length)

    return children("")


FIXED_VALUES = {"nib": "1234567890123", "kd_daerah": "1212000000"}
"""Values of fields with a fixed format."""


def _longest(path: str, kind: str, length: str) -> Any:
    field = path.rpartition(".")[2]
    digits, _, decimals = length.partition(".")
    if kind == "boolean":
        return True
    if kind == "number":
        return "9" * int(digits) + ("." + "9" * int(decimals) if decimals.strip("0") else "")
    if kind == "date":
        return "2026-01-31"
    if field in guide().code_fields:
        return max(guide().codes[guide().code_fields[field]], key=len)
    return FIXED_VALUES.get(field) or "x" * int(digits)


async def _answer(mode: str, name: Outbound, body: Any, user_key: str) -> Response:
    kind, _, code = mode.partition("-")
    if kind == "status":
        return Response("busy", status_code=int(code))
    if kind == "kode":
        return _result(name, code, {})
    if mode == "slow":
        await asyncio.sleep(30)
    failures: dict[str, Response] = {
        "not-json": Response("<html>maintenance</html>", media_type="text/html"),
        "no-kode": JSONResponse({guide().messages[name].answer: {}}),
        "unexpected-list": _result(name, "200", {"data": [7, None]}),
        "unexpected-numbers": _result(name, "200", {"data": dict.fromkeys(NUMERIC_FIELDS, 7)}),
        "invalid-json": Response(
            b'{"respon": {"kode": "200", "data": [{"x": NaN, "y": "\\ud800"}]}}'
        ),
        "slow-body": IncompleteResponse(slowly=True),
        "truncated": IncompleteResponse(slowly=False),
        "huge": Response(b"[" + b"0," * 4_000_000 + b"0]", media_type="application/json"),
    }
    if mode in failures:
        return failures[mode]
    if user_key != USER_KEY:
        return _result(name, "401", {})
    return _result(name, "400" if validate_message(name, body) else "200", DATA[name])


def _result(name: Outbound, code: str, data: dict[str, Any]) -> Response:
    content = {"kode": code, "keterangan": guide().codes["status_respon"][code]} | data
    return JSONResponse({guide().messages[name].answer: content})


class IncompleteResponse(Response):
    """Announces a body and sends a part of it, at once or byte by byte."""

    def __init__(self, *, slowly: bool) -> None:
        super().__init__(b"")
        self._slowly = slowly

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(100 if self._slowly else 1):
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            if self._slowly:
                await asyncio.sleep(0.3)
        # The server closes the connection: the body is shorter than announced.
        await send({"type": "http.response.body", "body": b""})
