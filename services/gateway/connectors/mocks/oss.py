"""A stand-in for OSS: answers as the guide has it, and fails in every way it is told to.

`PUT /mock` with `{"mode": ..., "times": n}` tells it how to answer the next n messages (all
where `times` is left out). `GET /mock` says what it was asked. With `{"send": "receiveNIB",
"to": "http://127.0.0.1:8000", "username": ..., "password": ...}` it sends the hub a signed message
and answers what the hub said: with these `fields`, or with every field at its greatest length.
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
    Inbound,
    Outbound,
    compute_token,
    guide,
    nib_of,
    validate_message,
)
from services.gateway.outbound.failures import default_ssl_context
from services.platform.local_time import JAKARTA

USER_KEY = "stand-in"

MODES = (
    "right",
    "kode-400",
    "kode-401",
    "kode-500",
    "kode-504",
    "status-500",
    "status-503",
    "not-json",
    "no-kode",
    "odd-list",
    "odd-numbers",
    "odd-nan",
    "slow",
    "drip",
    "cut",
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


ODD = ("status", "status_nib", "data_checklist", "kd_status")
"""Fields that the hub reads, with a number in each."""


class MockState:
    """What the stand-in was told and asked."""

    def __init__(self) -> None:
        self.mode = "right"
        self.times: int | None = None
        self.asked: list[dict[str, Any]] = []

    def next_mode(self) -> str:
        mode = self.mode
        if self.times is not None:
            self.times -= 1
            if self.times <= 0:
                self.mode, self.times = "right", None
        return mode


def create_oss_mock() -> Starlette:
    """The stand-in's application; what it was told and asked is `app.state.told`."""
    told = MockState()

    async def tell(request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"mode": told.mode, "asked": told.asked})
        wanted = await request.json()
        if "send" in wanted:
            return await _send(wanted)
        if wanted.get("mode") not in MODES:
            return JSONResponse({"modes": list(MODES)}, status_code=422)
        told.mode, told.times = wanted["mode"], wanted.get("times")
        return JSONResponse({"mode": told.mode})

    async def message(request: Request) -> Response:
        name: Any = request.path_params["message"]
        if name not in get_args(Outbound):
            return JSONResponse({"message": "no such service"}, status_code=404)
        body = await request.json()
        told.asked.append({"message": name, "body": body})
        return await _answer(told.next_mode(), name, body, request.headers.get("user_key", ""))

    routes = [
        Route("/mock", tell, methods=["GET", "PUT"]),
        Route("/{message}", message, methods=["POST"]),
    ]
    app = Starlette(routes=routes)
    app.state.told = told
    return app


async def _send(wanted: dict[str, Any]) -> Response:
    """Sends the hub a message as OSS does, and answers what came of it."""
    name: Any = wanted["send"]
    if name not in get_args(Inbound):
        return JSONResponse({"send": list(get_args(Inbound))}, status_code=422)
    body = {guide().messages[name].root: wanted.get("fields") or max_length_fields(name)}
    token = compute_token(
        str(wanted.get("username", "")),
        str(wanted.get("password", "")),
        nib_of(name, body),
        datetime.now(JAKARTA).date(),
    )
    address = f"{wanted.get('to', 'http://127.0.0.1:8000')}/api/v1/oss/{PATHS[name]}"
    try:
        async with httpx.AsyncClient(verify=default_ssl_context(), trust_env=False) as client:
            answer = await client.post(address, json=body, headers={"Token": token})
            return JSONResponse({"status": answer.status_code, "answer": answer.json()})
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return JSONResponse({"status": None, "answer": str(error)}, status_code=502)


def max_length_fields(name: Inbound | Outbound) -> dict[str, Any]:
    """Every field of a message that the guide has, each at its greatest length."""
    fields = guide().messages[name].fields

    def inside(parent: str) -> dict[str, Any]:
        return {
            place.rpartition(".")[2]: value_of(place, kind, most or "")
            for place, (kind, most) in fields.items()
            if place.rpartition(".")[0] == parent
        }

    def value_of(place: str, kind: str, most: str) -> Any:
        if kind == "object":
            return inside(place)
        return [inside(place)] if kind == "object[]" else _longest(place, kind, most)

    return inside("")


SHAPED = {"nib": "1234567890123", "kd_daerah": "1212000000"}
"""Of the fields that have a form."""


def _longest(place: str, kind: str, most: str) -> Any:
    field = place.rpartition(".")[2]
    digits, _, decimals = most.partition(".")
    if kind == "boolean":
        return True
    if kind == "number":
        return "9" * int(digits) + ("." + "9" * int(decimals) if decimals.strip("0") else "")
    if kind == "date":
        return "2026-01-31"
    if field in guide().code_fields:
        return max(guide().codes[guide().code_fields[field]], key=len)
    return SHAPED.get(field) or "x" * int(digits)


async def _answer(mode: str, name: Outbound, body: Any, user_key: str) -> Response:
    kind, _, code = mode.partition("-")
    if kind == "status":
        return Response("busy", status_code=int(code))
    if kind == "kode":
        return _said(name, code, {})
    if mode == "slow":
        await asyncio.sleep(30)
    odd: dict[str, Response] = {
        "not-json": Response("<html>maintenance</html>", media_type="text/html"),
        "no-kode": JSONResponse({guide().messages[name].answer: {}}),
        "odd-list": _said(name, "200", {"data": [7, None]}),
        "odd-numbers": _said(name, "200", {"data": dict.fromkeys(ODD, 7)}),
        "odd-nan": Response(b'{"respon": {"kode": "200", "data": [{"x": NaN, "y": "\\ud800"}]}}'),
        "drip": Broken(drip=True),
        "cut": Broken(drip=False),
        "huge": Response(b"[" + b"0," * 4_000_000 + b"0]", media_type="application/json"),
    }
    if mode in odd:
        return odd[mode]
    if user_key != USER_KEY:
        return _said(name, "401", {})
    return _said(name, "400" if validate_message(name, body) else "200", DATA[name])


def _said(name: Outbound, code: str, data: dict[str, Any]) -> Response:
    content = {"kode": code, "keterangan": guide().codes["status_respon"][code]} | data
    return JSONResponse({guide().messages[name].answer: content})


class Broken(Response):
    """Announces a body and sends a part of it, at once or drop by drop."""

    def __init__(self, *, drip: bool) -> None:
        super().__init__(b"")
        self._drip = drip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(100 if self._drip else 1):
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            if self._drip:
                await asyncio.sleep(0.3)
        # The server closes the connection: the body is shorter than was announced.
        await send({"type": "http.response.body", "body": b""})
