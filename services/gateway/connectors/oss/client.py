"""HTTP client of OSS."""

from typing import Any

from services.gateway.connectors.oss.messages import Outbound, guide, is_json
from services.gateway.outbound.client import Connector, ConnectorError, ConnectorResponse
from services.gateway.outbound.json_body import parse_json

IDEMPOTENT_MESSAGES: frozenset[Outbound] = frozenset(
    {"checkNIB", "inqueryNIB", "checkLicenseStatus", "getDataReferensi"}
)
"""Queries, which may be repeated; messages that submit something are sent once."""

FAILURE_CODES = frozenset({"500", "504"})
"""Values of `kode` that mean that OSS itself failed."""
MAX_DESCRIPTION = 255


class OssRejectedError(Exception):
    """OSS answered that it does not accept the message."""

    def __init__(self, code: str, description: str) -> None:
        meaning = guide().codes["status_respon"].get(code, "kode tidak dikenal")
        super().__init__(f"OSS: {code} {meaning}: {description}")
        self.code = code
        self.description = description


def parse_result(response: ConnectorResponse) -> tuple[str, str, dict[str, Any]] | None:
    """Return `kode`, `keterangan` and content of a response; None if it has another form.

    OSS reports the result in the body, not in the HTTP status.
    """
    try:
        document = parse_json(response.body)
    except ValueError:
        return None
    if not isinstance(document, dict) or not is_json(document):
        return None
    content = next((part for name, part in document.items() if name.startswith("respon")), None)
    if not isinstance(content, dict) or "kode" not in content:
        return None
    description = str(content.get("keterangan") or "")[:MAX_DESCRIPTION]
    return str(content["kode"]), description, content


def is_failure(response: ConnectorResponse) -> bool:
    """Return whether a response counts as a failure of OSS for the circuit breaker."""
    result = parse_result(response)
    return response.status >= 500 or result is None or result[0] in FAILURE_CODES


class OssClient:
    """Sends messages to OSS through a connector with a circuit breaker."""

    def __init__(self, connector: Connector, *, user_key: str) -> None:
        self.connector = connector
        self._user_key = user_key

    async def send(self, message: Outbound, fields: dict[str, Any]) -> dict[str, Any]:
        """Send a message and return the content of the answer.

        Raises:
            OssRejectedError: OSS does not accept the message.
            ConnectorError: OSS gave no usable answer.
        """
        schema = guide().messages[message]
        response = await self.connector.request(
            "POST",
            f"/{message}",
            idempotent=message in IDEMPOTENT_MESSAGES,
            headers={"user_key": self._user_key},
            json={schema.root: fields},
        )
        result = parse_result(response)
        if result is None:
            detail = f"status {response.status}, and the body has no `kode` as the guide requires"
            raise ConnectorError(self.connector.name, "invalid_response", detail)
        code, description, content = result
        if code in FAILURE_CODES:
            raise ConnectorError(self.connector.name, "status", f"kode {code}: {description}")
        if code != "200":
            raise OssRejectedError(code, description)
        return content
