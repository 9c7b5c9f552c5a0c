"""What the hub asks of OSS and tells it."""

import json
from typing import Any

from services.gateway.connectors.oss.messages import Outbound, guide, is_json
from services.gateway.outbound.client import Connector, ConnectorError, ConnectorResponse

IDEMPOTENT_MESSAGES: frozenset[Outbound] = frozenset(
    {"checkNIB", "inqueryNIB", "checkLicenseStatus", "getDataReferensi"}
)
"""Questions; asked twice they change nothing. What is told is sent once."""

FAILURE_CODES = frozenset({"500", "504"})


class OssRejectedError(Exception):
    """OSS answered that it does not accept the message."""

    def __init__(self, code: str, said: str) -> None:
        meaning = guide().codes["status_respon"].get(code, "kode tidak dikenal")
        super().__init__(f"OSS: {code} {meaning}: {said}")
        self.code = code
        self.said = said


def parse_result(answer: ConnectorResponse) -> tuple[str, str, dict[str, Any]] | None:
    """`kode`, `keterangan` and content of an answer: the result is in the body, not the status."""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not is_json(document):
        return None
    content = next((part for name, part in document.items() if name.startswith("respon")), None)
    if not isinstance(content, dict) or "kode" not in content:
        return None
    return str(content["kode"]), str(content.get("keterangan") or "")[:255], content


def is_failure(answer: ConnectorResponse) -> bool:
    """Whether OSS itself is in trouble, as far as the breaker goes."""
    result = parse_result(answer)
    return answer.status >= 500 or result is None or result[0] in FAILURE_CODES


class OssClient:
    """OSS behind its connector."""

    def __init__(self, connector: Connector, *, user_key: str) -> None:
        self.connector = connector
        self._user_key = user_key

    async def send(self, message: Outbound, fields: dict[str, Any]) -> dict[str, Any]:
        """What OSS answers; `OssRefusedError` for a refusal, `ConnectorError` for no answer."""
        shape = guide().messages[message]
        answer = await self.connector.request(
            "POST",
            f"/{message}",
            idempotent=message in IDEMPOTENT_MESSAGES,
            headers={"user_key": self._user_key},
            json={shape.root: fields},
        )
        result = parse_result(answer)
        if result is None:
            detail = f"status {answer.status} and no answer as the guide has it"
            raise ConnectorError(self.connector.name, "invalid_response", detail)
        code, said, content = result
        if code in FAILURE_CODES:
            raise ConnectorError(self.connector.name, "status", f"kode {code}: {said}")
        if code != "200":
            raise OssRejectedError(code, said)
        return content
