"""Heavy computations: a few at a time, some wait, further ones are refused."""

import asyncio
from unittest.mock import patch

import pytest

from services.platform import computing_slots
from services.platform.computing_slots import MAX_CONCURRENT, MAX_WAITING, computing_slot
from services.platform.problems import Unavailable
from tests.conftest import Hub

DYNAMICS = "/api/v1/metrics/collaboration-dynamics?period=2024&draws=100"


def test_two_compute_at_a_time_and_what_cannot_wait_is_refused() -> None:
    async def story() -> tuple[int, list[str]]:
        running = most = 0
        go = asyncio.Event()

        async def compute() -> str:
            nonlocal running, most
            try:
                async with computing_slot():
                    running += 1
                    most = max(most, running)
                    await go.wait()
                    running -= 1
                    return "computed"
            except Unavailable:
                return "refused"

        tasks = [asyncio.create_task(compute()) for _ in range(MAX_CONCURRENT + MAX_WAITING + 3)]
        while running < MAX_CONCURRENT:
            await asyncio.sleep(0)
        go.set()
        outcomes = await asyncio.gather(*tasks)
        return most, outcomes

    most, outcomes = asyncio.run(story())
    assert most == MAX_CONCURRENT
    assert outcomes == ["computed"] * (MAX_CONCURRENT + MAX_WAITING) + ["refused"] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "paths",
    [
        # Of seeds that nobody asked for before: what is known is answered without a slot.
        (f"{DYNAMICS}&seed=71", f"{DYNAMICS}&seed=72", f"{DYNAMICS}&seed=72"),
        ("/api/v1/evidence/export.xlsx",) * 3,
    ],
)
def test_reads_that_compute_wait_for_a_slot(shared: Hub, paths: tuple[str, str, str]) -> None:
    before, meanwhile, after = paths
    assert shared.client.get(before).status_code == 200
    with patch.object(computing_slots, "MAX_WAITING", 0):
        refused = shared.client.get(meanwhile)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert shared.client.get(after).status_code == 200
