"""Deliveries to webhooks as the gateway stores them."""

from services.platform.settings import Settings
from tests.rows import rows


def stored_deliveries(settings: Settings) -> list[tuple[int, bool, bool, str | None]]:
    """Return of each delivery: attempts, whether it waits, whether it arrived, the last error."""
    found = rows(
        settings,
        """
        SELECT attempts, due_at IS NOT NULL, delivered_at IS NOT NULL, last_error
        FROM gateway.webhook_delivery ORDER BY event, webhook
        """,
    )
    return [tuple(row) for row in found]


def make_deliveries_due(settings: Settings) -> None:
    """End the pause before the next attempt of every delivery."""
    rows(settings, "UPDATE gateway.webhook_delivery SET due_at = now() WHERE due_at > now()")


def set_attempts(settings: Settings, attempts: int) -> None:
    """Set how often every delivery was attempted."""
    rows(settings, "UPDATE gateway.webhook_delivery SET attempts = $1", attempts)
