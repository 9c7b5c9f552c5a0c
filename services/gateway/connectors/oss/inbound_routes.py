"""Messages from OSS over HTTP: `POST /api/v1/oss/receive-...`.

OSS reads the result from the body, so every result is HTTP 200 with a `kode`.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from services.gateway.connectors.base import Connectors
from services.gateway.connectors.oss.connector import OssConnector
from services.gateway.connectors.oss.message_store import store_message
from services.gateway.connectors.oss.messages import (
    OSS_ZONE,
    Inbound,
    guide,
    is_valid_token,
    nib_of,
    validate_message,
)
from services.platform.database import DATABASE_ERRORS, Database
from services.platform.logging import get_logger
from services.platform.networks import Networks
from services.platform.problems import problem_responses
from services.platform.router import Router
from services.platform.service import API
from services.platform.settings import Settings

log = get_logger(__name__)

router = Router(prefix=f"{API}/oss", tags=["connectors"], responses=problem_responses(413))

MAX_MESSAGE_BYTES = 1024 * 1024
"""Parsing holds the event loop, at worst 50 ms for a message of this size."""
CLOCK_SKEW = timedelta(minutes=15)
"""Accepted difference between the clocks of OSS and of the hub around midnight."""

PATHS: Mapping[Inbound, str] = {
    "receiveNIB": "receive-nib",
    "receiveNIBSTPW": "receive-nib-stpw",
    "receiveFileDS": "receive-file-ds",
    "receiveNIBKKPR": "receive-nib-kkpr",
    "receiveNIBPSE": "receive-nib-pse",
}


async def receive(request: Request, message: Inbound) -> JSONResponse:
    """Validate a message, store it, and acknowledge it only then.

    The token is a SHA-1, as the guide prescribes, so the sender's address is checked before it.
    """
    settings: Settings = request.app.state.settings
    if settings.oss_username is None or settings.oss_password is None:
        return result_response(message, "405", "This hub does not receive messages from OSS.")
    sender = request.client.host if request.client else ""
    if not Networks(settings.oss_senders or "").contains(sender):
        return result_response(message, "403", "Messages from this address are not accepted.")
    try:
        body = _read_json(await request.body())
    except ValueError as error:
        return result_response(message, "400", str(error))
    now = datetime.now(UTC)
    skews = (-CLOCK_SKEW, timedelta(), CLOCK_SKEW)
    days = {(now + skew).astimezone(OSS_ZONE).date() for skew in skews}
    if not is_valid_token(
        request.headers.get("token", ""),
        username=settings.oss_username,
        password=settings.oss_password.get_secret_value(),
        nib=nib_of(message, body),
        days=sorted(days),
    ):
        return result_response(message, "401", "The Token is invalid.")
    faults = validate_message(message, body)
    if faults:
        return result_response(message, "400", "; ".join(faults))
    return await _store(request, message, body, now=now)


def _read_json(content: bytes) -> Any:
    """Return the value of a body; raise ValueError if it is too large or not JSON."""
    if len(content) > MAX_MESSAGE_BYTES:
        raise ValueError(f"The body may have at most {MAX_MESSAGE_BYTES} bytes.")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("The body must be JSON.") from None


async def _store(
    request: Request, message: Inbound, body: dict[str, Any], *, now: datetime
) -> JSONResponse:
    database: Database = request.app.state.database
    connectors: Connectors = request.app.state.connectors
    try:
        async with database.write_session() as session:
            is_new = await store_message(
                session,
                request.app.state.settings.region,
                message,
                body,
                key=connectors.get(OssConnector).message_key,
                now=now,
            )
    except RecursionError:
        return result_response(message, "400", "The body is nested too deeply.")
    except DATABASE_ERRORS:
        log.exception("message from OSS not stored", message=message)
        return result_response(message, "500", "The message could not be stored; send it again.")
    if is_new:
        request.scope["request_log"].note_stored()
    return result_response(message, "200", "Received." if is_new else "Received before.")


def result_response(message: Inbound, code: str, detail: str) -> JSONResponse:
    """Return an answer as the guide defines it: `status` 1 for success, and a `kode`."""
    content = {
        "kode": code,
        "status": "1" if code == "200" else "0",
        "keterangan": detail[:255],
    }
    return JSONResponse({guide().messages[message].answer: content})


def _add_route(message: Inbound, path: str) -> None:
    schema = guide().messages[message]
    properties = {
        "kode": {"type": "string", "enum": sorted(guide().codes["status_respon"])},
        "status": {"type": "string", "enum": ["0", "1"]},
        "keterangan": {"type": "string", "maxLength": 255},
    }
    answer = {
        "type": "object",
        "required": [schema.answer],
        "properties": {
            schema.answer: {
                "type": "object",
                "required": sorted(properties),
                "properties": properties,
            }
        },
    }
    # Any body has an answer: an invalid one is `kode` 400 inside HTTP 200, as OSS reads it.
    request_schema = {"description": f"An object with the key `{schema.root}`, see the guide."}

    async def handle(request: Request) -> JSONResponse:
        return await receive(request, message)

    router.add_api_route(
        f"/{path}",
        handle,
        methods=["POST"],
        operation_id=f"oss_{path.replace('-', '_')}",
        summary=f"{message} of OSS RBA {guide().version}",
        description=(
            "Called by OSS, with the header `Token`. The result is `kode` in the body. A message "
            "is stored before it is acknowledged, without personal data; a repeated message is "
            "acknowledged and not counted again."
        ),
        response_class=JSONResponse,
        responses={
            200: {
                "description": "What became of the message, as OSS reads it; faults too are 200.",
                "content": {"application/json": {"schema": answer}},
            }
        },
        openapi_extra={
            "parameters": [
                {
                    "name": "Token",
                    "in": "header",
                    "required": False,
                    "description": "SHA-1 of user, password, NIB and day, in 40 digits of base 16. "
                    "If it is invalid or missing, the answer is `kode` 401.",
                    "schema": {"type": "string", "maxLength": 40},
                }
            ],
            "requestBody": {
                "required": False,
                "content": {"application/json": {"schema": request_schema}},
            },
        },
    )


for _message, _path in PATHS.items():
    _add_route(_message, _path)
