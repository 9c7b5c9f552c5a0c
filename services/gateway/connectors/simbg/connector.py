"""The connector to SIMBG, which publishes no API: permit numbers and imported recaps."""

from services.gateway.connectors.base import ConnectorContext, SystemConnector


class SimbgConnector(SystemConnector):
    """SIMBG; the hub never calls it, so it has no client. Imported recaps go to feedback."""

    name = "simbg"

    def __init__(self, context: ConnectorContext) -> None:
        self.feedback = context.feedback
        self.auth_for = context.auth_for
