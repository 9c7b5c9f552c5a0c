"""Reads on connections of their own: what they do when the server cuts one."""

import asyncio
import threading
import time

import pytest

from services.platform.database import Database
from services.platform.prepared_reads import PreparedReads
from services.platform.settings import Service, Settings
from tests.rows import close_connections


@pytest.mark.slow
@pytest.mark.parametrize("turns", range(5))
def test_a_read_is_retried_however_much_of_the_close_the_client_has_seen(
    empty: Settings, turns: int
) -> None:
    """The server's farewell and the end of the socket reach the client one after the other."""

    async def read_and_cut() -> int:
        database = Database(empty, Service("catalog"))
        reads = PreparedReads(database, connections=1)
        try:
            await reads.fetch_row("SELECT 1 AS one")
            cutting = threading.Thread(
                target=lambda: close_connections(empty, "emall catalog: reads")
            )
            cutting.start()
            # Without a turn of the loop: the client must not see the end before it asks.
            cutting.join()
            time.sleep(0.1)
            for _ in range(turns):
                await asyncio.sleep(0)
            return (await reads.fetch_row("SELECT 2 AS two"))["two"]
        finally:
            await reads.close()
            await database.close()

    assert asyncio.run(read_and_cut()) == 2


def test_requests_are_answered_in_their_order(empty: Settings) -> None:
    order: list[int] = []

    async def story() -> None:
        database = Database(empty, Service("catalog"))
        reads = PreparedReads(database, connections=1)

        async def client(number: int) -> None:
            for _ in range(5):
                await reads.fetch_row("SELECT 1 AS one")
                order.append(number)

        try:
            await asyncio.gather(*(client(number) for number in range(8)))
        finally:
            await reads.close()
            await database.close()

    asyncio.run(story())
    assert order == [*range(8)] * 5
