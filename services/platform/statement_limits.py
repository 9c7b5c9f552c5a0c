"""Time limits of statements, which the server enforces.

A statement that waits for a lock holds a connection of the pool, and whoever asked for it. The
limits of requests are those of the hub's sessions; jobs and commands have longer ones, set for
each transaction. `emall migrate`, `backup` and `restore` have none.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from services.platform.logging import request_context
from services.platform.settings import Settings

REQUEST_STATEMENT_SECONDS = 20.0
"""As long as a gateway waits for a service by default; never less than it waits."""


@dataclass(frozen=True, slots=True)
class StatementLimits:
    """Limits of a session or transaction, in seconds."""

    lock: float
    """How long a statement waits for each lock."""
    statement: float
    """How long a statement runs, waiting included."""
    idle: float
    """How long a transaction rests between statements, as one of a stopped process does."""

    @property
    def settings(self) -> dict[str, str]:
        """PostgreSQL settings, in milliseconds."""
        seconds = {
            "lock_timeout": self.lock,
            "statement_timeout": self.statement,
            "idle_in_transaction_session_timeout": self.idle,
        }
        return {name: f"{1000 * value:.0f}" for name, value in seconds.items()}


WORK_LIMITS = StatementLimits(lock=30, statement=60, idle=600)
"""Limits of jobs and commands, for which nobody waits."""


def request_limits(settings: Settings) -> StatementLimits:
    """Return the limits of what a request does."""
    statement = max(REQUEST_STATEMENT_SECONDS, settings.upstream_timeout_seconds)
    return StatementLimits(lock=5, statement=statement, idle=60)


def transaction_setup(
    requests: StatementLimits, *, pooled_role: str | None, is_pooled: bool
) -> Callable[[Connection], None]:
    """Return the function that sets up each transaction after its beginning.

    Sessions begin with the limits of requests, so that a request costs no round trip more. A pooler
    in transaction mode refuses settings of sessions, and may give each transaction another one:
    there the limits and the role belong to the transaction.
    """

    def set_up(connection: Connection) -> None:
        is_request = request_context.get() is not None
        settings: dict[str, str] = {}
        if is_pooled or not is_request:
            settings |= (requests if is_request else WORK_LIMITS).settings
        if pooled_role is not None:
            settings["role"] = pooled_role
        if settings:
            calls = (f"set_config('{name}', ${n}, true)" for n, name in enumerate(settings, 1))
            connection.exec_driver_sql(f"SELECT {', '.join(calls)}", tuple(settings.values()))

    return set_up
