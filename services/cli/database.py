"""`emall migrate`, and one transaction of the gateway for commands that change its data."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from services.cli.console import echo_err, run_async
from services.platform.settings import Service, Settings, load_settings

if TYPE_CHECKING:
    from services.platform.database import WriteSession

Result = TypeVar("Result")


def migrate() -> None:
    """Migrate the database to the newest revision. Safe to run from several processes at once."""
    from services.platform.migrations import migrate as migrate_database

    run_async(migrate_database(load_settings()))
    echo_err("The database is at the newest revision.")


async def in_gateway_transaction(
    settings: Settings, work: Callable[["WriteSession", datetime], Awaitable[Result]]
) -> Result:
    """Call `work` with a session of the gateway and the current time, in one transaction."""
    from services.platform.database import Database

    database = Database(settings, Service.gateway)
    try:
        async with database.write_session() as session:
            return await work(session, datetime.now(UTC))
    finally:
        await database.close()
