"""What the database holds, asked as its owner."""

import asyncio
from typing import Any

import asyncpg

from services.platform.settings import Settings


def rows(settings: Settings, query: str, *values: Any) -> list[Any]:
    """Each row is read by position or by name, and equals a tuple of the same values."""

    async def ask() -> list[Any]:
        assert settings.database_url is not None
        connection = await asyncpg.connect(settings.database_url.get_secret_value())
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close()

    return asyncio.run(ask())
