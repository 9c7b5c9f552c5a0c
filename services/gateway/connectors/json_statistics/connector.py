"""The connector that turns JSON responses into monthly statistics."""

import asyncio
from datetime import timedelta
from typing import Any

from services.gateway.connectors.base import ConnectorContext, FetchResult, SourceConnector
from services.gateway.connectors.json_statistics.config import JsonStatisticsConfig
from services.gateway.connectors.json_statistics.mapping import map_statistics
from services.gateway.connectors.source_leases import SourceLease
from services.gateway.outbound.client import ConnectorError
from services.gateway.outbound.json_body import JsonTooLargeError, parse_json
from services.gateway.outbound.source_clients import cache_validators


class JsonStatisticsConnector(SourceConnector):
    """Fetches JSON sources and submits their figures to feedback."""

    kind = "statistics"
    section = "statistics"
    config = JsonStatisticsConfig

    def __init__(self, context: ConnectorContext) -> None:
        self._clients = context.source_clients
        self._statistics = context.statistics
        self._local_time = context.local_time

    async def fetch(self, lease: SourceLease) -> FetchResult:
        """Fetch the figures of a source and submit them for its agency."""
        source = JsonStatisticsConfig.model_validate(lease.content)
        last_month = self._local_time.now().date().replace(day=1) - timedelta(days=1)
        response = await self._clients.fetch(
            lease.slug,
            source.url.replace("{year}", str(last_month.year)),
            accept="application/json",
            validators=lease.validators,
            header=source.header,
        )
        if response is None:
            return FetchResult("not modified", lease.validators)
        document = _parse_json(lease.slug, response.body)
        mapped = await asyncio.to_thread(map_statistics, document, source)
        detail = await self._statistics.submit(
            mapped.statistics,
            agency=source.agency,
            source=f"connector-{lease.slug}",
            reason=f"Dibetulkan oleh sumber {source.title}",
        )
        if mapped.unmapped_services:
            detail += f"; skipped, no service is mapped: {', '.join(mapped.unmapped_services)}"
        return FetchResult(detail, cache_validators(response))


def _parse_json(slug: str, body: bytes) -> Any:
    try:
        return parse_json(body)
    except JsonTooLargeError as error:
        raise ConnectorError(slug, "too_large", str(error)) from None
    except ValueError:
        raise ConnectorError(slug, "invalid_response", "the body is not JSON") from None
