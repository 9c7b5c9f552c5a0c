"""The connector to OSS: its client, the key of message digests, the counter of messages."""

from services.gateway.connectors.base import ConnectorContext, SystemConnector
from services.gateway.connectors.oss.config import CountingRules
from services.gateway.connectors.oss.service import create_oss_service
from services.gateway.connectors.oss.statistics import (
    REFUSED_MONTHS,
    UNCOUNTED_MESSAGES,
    MessageCounter,
)
from services.gateway.outbound.source_clients import SourceClient
from services.platform.derived_keys import derived_key


class OssConnector(SystemConnector):
    """OSS: queries and messages to it, messages from it, and statistics of both."""

    name = "oss"
    config = CountingRules
    backlog = UNCOUNTED_MESSAGES
    refused = REFUSED_MONTHS

    def __init__(self, context: ConnectorContext) -> None:
        settings, key = context.settings, context.secrets_key
        self.service = create_oss_service(settings, context.database, key)
        """None if `EMALL_OSS_URL` is not set."""
        self.message_key = derived_key(key, b"emall oss inbox")
        """Key of the digests that stand for messages and licences."""
        self.counter = MessageCounter(
            context.database, settings.region, context.statistics, context.local_time
        )

    @property
    def client(self) -> SourceClient | None:
        """Return the client of OSS; None if it is not connected."""
        if self.service is None:
            return None
        return SourceClient(self.service.client.connector, self.service.last_known)

    async def poll(self) -> None:
        """Count messages that are not counted yet, and submit the statistics."""
        await self.counter.count()
