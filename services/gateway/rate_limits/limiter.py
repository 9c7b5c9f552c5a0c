"""A replica's shares of the buckets: decisions in memory, slices from the database behind them."""

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from services.gateway.rate_limits.gcra import Policy, held, take, wait
from services.gateway.rate_limits.shared_buckets import Lease, Wish
from services.platform.database import DATABASE_ERRORS
from services.platform.jobs import BackgroundJob

log = logging.getLogger(__name__)

REMEMBERED = 50_000
"""Buckets in a replica's memory; beyond them the one that rested longest goes."""

BATCH = 500
ALONE_SECONDS = 1.0
"""How long a replica limits by itself before it asks the database again."""
CLEAR_EVERY = 60.0


class Shared(Protocol):
    """The buckets that all replicas share."""

    async def take(self, wishes: Sequence[Wish]) -> list[Lease]: ...

    async def clear(self) -> None: ...

    async def close(self) -> None: ...


class Decision(NamedTuple):
    """Whether a request may pass, and what the answer says about the limit."""

    allowed: bool
    policy: Policy | None
    """The limit that holds, if one does."""
    remaining: int
    """Requests that the bucket would let through at once now."""
    reset: int
    """Seconds until it is full again."""
    retry_after: int = 0
    alone: bool = False
    """The database does not answer; this replica limits by itself."""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10)."""
        policy = self.policy
        if policy is None:
            return []
        left = b'"%b";r=%d;t=%d' % (policy.name.encode(), self.remaining, self.reset)
        told = policy.told + b";local" if self.alone else policy.told
        return [(b"ratelimit-policy", told), (b"ratelimit", left)]


class _Share:
    """What this replica knows of one bucket."""

    __slots__ = ("asked", "empty_until", "full_at", "owed", "policy", "tokens", "waiting")

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.tokens = 0
        self.owed = 0
        self.full_at = 0.0
        self.empty_until = 0.0
        self.asked: asyncio.Future[None] | None = None
        self.waiting = 0

    @property
    def lacking(self) -> int:
        """How many it wants to have: a slice, and one for each who waits."""
        wanted = max(self.policy.slice, min(self.waiting, self.policy.burst))
        return max(wanted - self.tokens, 0)


class Limiter(BackgroundJob):
    """Lets requests through as long as their bucket holds any, all replicas together.

    `admit` decides at once and in memory, or says that it must be asked (`ask`). The database
    gives a slice of a bucket at a time; the next one is fetched while the last is still spent.
    """

    name = "fetch limits"

    def __init__(
        self,
        shared: Shared,
        *,
        clock: Callable[[], float] = time.monotonic,
        remembered: int = REMEMBERED,
    ) -> None:
        self._shared = shared
        self._clock = clock
        self._remembered = remembered
        self._shares: OrderedDict[str, _Share] = OrderedDict()
        self._wanting: OrderedDict[str, _Share] = OrderedDict()
        self._wake = asyncio.Event()
        self._alone_until = 0.0
        self._clear_at = 0.0

    def admit(self, bucket: str, policy: Policy) -> Decision | None:
        """Decides now; None where only the database knows: await `ask`."""
        now = self._clock()
        share = self._share(bucket, policy)
        if self._task is None or now < self._alone_until:
            return self._decide_alone(share, now)
        if share.tokens > 0:
            share.tokens -= 1
            if share.tokens * 2 < policy.slice:
                self._want(bucket, share)
            return _let_through(share, now)
        if now < share.empty_until:
            return _refuse(share, now)
        if share.owed < policy.credit:
            share.owed += 1
            self._want(bucket, share)
            return _let_through(share, now)
        return None

    async def ask(self, bucket: str, policy: Policy) -> Decision:
        """Decides with the database's word, where memory does not suffice."""
        while (decision := self.admit(bucket, policy)) is None:
            share = self._shares[bucket]
            share.waiting += 1
            self._want(bucket, share)
            if share.asked is None:
                share.asked = asyncio.get_running_loop().create_future()
            await asyncio.shield(share.asked)
        return decision

    @property
    def remembered(self) -> int:
        """Buckets in memory."""
        return len(self._shares)

    async def stop(self) -> None:
        """Pays what is owed, and ends."""
        if self._task is not None:
            await super().stop()
            owing = [
                Wish(bucket, share.policy, 0, share.owed)
                for bucket, share in self._shares.items()
                if share.owed
            ]
            if owing:
                with suppress(*DATABASE_ERRORS):
                    await self._shared.take(owing)
            _answer(self._shares.values())
        await self._shared.close()

    def _share(self, bucket: str, policy: Policy) -> _Share:
        share = self._shares.get(bucket)
        if share is None:
            share = self._shares[bucket] = _Share(policy)
            if len(self._shares) > self._remembered:
                oldest, gone = self._shares.popitem(last=False)
                if gone.asked is not None:  # somebody waits for it
                    self._shares[oldest] = gone
        else:
            self._shares.move_to_end(bucket)
        share.policy = policy
        return share

    def _want(self, bucket: str, share: _Share) -> None:
        self._wanting[bucket] = share
        self._wake.set()

    def _decide_alone(self, share: _Share, now: float) -> Decision:
        taken = take(share.policy, share.full_at, now=now, wanted=1)
        share.full_at = taken.full_at
        if not taken.granted:
            share.empty_until = now + wait(share.policy, share.full_at, now=now)
            return _refuse(share, now, alone=True)
        share.owed = min(share.owed + 1, share.policy.burst)
        return _let_through(share, now, alone=True)

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._wanting:
                await self._fetch()

    async def _fetch(self) -> None:
        """Takes the slices that are wanted, all of them at once."""
        batch: list[_Share] = []
        wishes: list[Wish] = []
        while self._wanting and len(batch) < BATCH:
            bucket, share = self._wanting.popitem(last=False)
            batch.append(share)
            wishes.append(Wish(bucket, share.policy, share.lacking, share.owed))
            share.owed = 0  # What is let through while the database answers is owed anew.
        try:
            leases = await self._shared.take(wishes)
            now = self._clock()
            for share, wish, lease in zip(batch, wishes, leases, strict=True):
                share.tokens += lease.granted
                share.full_at = now + lease.missing
                if share.tokens == 0 and wish.wanted:  # else the bucket was not asked for any
                    rest = wait(share.policy, share.full_at, now=now)
                    share.empty_until = now + max(rest, 0.001)
            if now >= self._clear_at:
                self._clear_at = now + CLEAR_EVERY
                await self._shared.clear()
        except DATABASE_ERRORS as error:
            _owe_again(batch, wishes)
            now = self._clock()
            if now >= self._alone_until + ALONE_SECONDS:
                log.warning("limits hold in this replica alone: the database fails: %s", error)
            self._alone_until = now + ALONE_SECONDS
        except asyncio.CancelledError:
            _owe_again(batch, wishes)
            raise
        finally:
            _answer(batch)


def _let_through(share: _Share, now: float, *, alone: bool = False) -> Decision:
    held_now = share.tokens + held(share.policy, share.full_at, now=now)
    reset = math.ceil(share.full_at - now) if share.full_at > now else 0
    return Decision(True, share.policy, held_now, reset, 0, alone)


def _refuse(share: _Share, now: float, *, alone: bool = False) -> Decision:
    retry_after = max(1, math.ceil(share.empty_until - now))
    reset = max(retry_after, math.ceil(share.full_at - now))
    return Decision(
        False, share.policy, remaining=0, reset=reset, retry_after=retry_after, alone=alone
    )


def _owe_again(batch: Sequence[_Share], wishes: Sequence[Wish]) -> None:
    for share, wish in zip(batch, wishes, strict=True):
        share.owed += wish.owed


def _answer(shares: Iterable[_Share]) -> None:
    """Whoever waits for these looks again."""
    for share in shares:
        asked, share.asked, share.waiting = share.asked, None, 0
        if asked is not None and not asked.done():
            asked.set_result(None)
