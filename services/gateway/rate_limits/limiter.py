"""Distributed rate limiter: decisions in memory, requests granted in batches by the database."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from services.gateway.rate_limits.gcra import Policy, available, seconds_until_available, take
from services.gateway.rate_limits.shared_buckets import BucketGrant, BucketRequest
from services.platform.database import DATABASE_ERRORS
from services.platform.jobs import BackgroundJob
from services.platform.logging import Outage, get_logger

log = get_logger(__name__)

MAX_BUCKETS = 50_000
"""Buckets in a replica's memory; beyond them the least recently used is evicted."""

BATCH_SIZE = 500
LOCAL_ONLY_SECONDS = 1.0
"""How long a replica applies limits locally before it asks a failed database again."""
DELETE_FULL_INTERVAL_SECONDS = 60.0


class BucketStore(Protocol):
    """The buckets that all replicas share."""

    async def take(self, requests: Sequence[BucketRequest]) -> list[BucketGrant]: ...

    async def delete_full(self) -> None: ...

    async def close(self) -> None: ...


class Decision(NamedTuple):
    """Whether a request is allowed, and what the response headers report about the limit."""

    allowed: bool
    policy: Policy | None
    """The limit that applies, if any."""
    remaining: int
    """Requests that the bucket would grant at once now."""
    reset: int
    """Seconds until the bucket is full."""
    retry_after: int = 0
    local_only: bool = False
    """The database does not answer; this replica applies the limit locally."""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10)."""
        policy = self.policy
        if policy is None:
            return []
        limit = b'"%b";r=%d;t=%d' % (policy.name.encode(), self.remaining, self.reset)
        header = policy.policy_header + b";local" if self.local_only else policy.policy_header
        return [(b"ratelimit-policy", header), (b"ratelimit", limit)]


class _LocalBucket:
    """A replica's view of one bucket."""

    __slots__ = ("blocked_until", "debt", "full_at", "pending", "policy", "tokens", "waiters")

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.tokens = 0
        """Granted requests that are not used yet."""
        self.debt = 0
        """Requests allowed without a grant, to be subtracted from the shared bucket."""
        self.full_at = 0.0
        self.blocked_until = 0.0
        self.pending: asyncio.Future[None] | None = None
        """Resolved after the next fetch; set while a request waits for it."""
        self.waiters = 0

    @property
    def deficit(self) -> int:
        """How many requests to ask for: a grant, and at least one for each waiter."""
        target = max(self.policy.grant_size, min(self.waiters, self.policy.burst))
        return max(target - self.tokens, 0)


class Limiter(BackgroundJob):
    """Rate limiter that allows requests while their shared bucket holds any.

    `admit` decides in memory, or returns None if the database must be asked, which `decide`
    does. The database grants a batch of requests at a time; the next one is fetched while the
    last is still being used. A new bucket starts with a small overdraft, so that the first
    requests do not wait. If the database fails, each replica applies the limit by itself.
    """

    name = "sync-rate-limits"

    def __init__(
        self,
        shared: BucketStore,
        *,
        clock: Callable[[], float] = time.monotonic,
        max_buckets: int = MAX_BUCKETS,
    ) -> None:
        self._shared = shared
        self._outage = Outage(log, "shared rate limits")
        self._clock = clock
        self._max_buckets = max_buckets
        self._buckets: OrderedDict[str, _LocalBucket] = OrderedDict()
        self._requested: OrderedDict[str, _LocalBucket] = OrderedDict()
        self._wake = asyncio.Event()
        self._local_only_until = 0.0
        self._delete_full_at = 0.0

    def admit(self, name: str, policy: Policy) -> Decision | None:
        """Decide now; return None if the database must be asked (`decide`)."""
        now = self._clock()
        bucket = self._bucket(name, policy)
        if self._task is None or now < self._local_only_until:
            return self._decide_locally(bucket, now)
        if bucket.tokens > 0:
            bucket.tokens -= 1
            if bucket.tokens * 2 < policy.grant_size:
                self._request(name, bucket)
            return _allow(bucket, now)
        if now < bucket.blocked_until:
            return _deny(bucket, now)
        if bucket.debt < policy.overdraft:
            bucket.debt += 1
            self._request(name, bucket)
            return _allow(bucket, now)
        return None

    async def decide(self, name: str, policy: Policy) -> Decision:
        """Decide, waiting for the database if memory does not suffice."""
        while (decision := self.admit(name, policy)) is None:
            bucket = self._buckets[name]
            bucket.waiters += 1
            self._request(name, bucket)
            if bucket.pending is None:
                bucket.pending = asyncio.get_running_loop().create_future()
            await asyncio.shield(bucket.pending)
        return decision

    @property
    def bucket_count(self) -> int:
        """Number of buckets in memory."""
        return len(self._buckets)

    async def stop(self) -> None:
        """Flush the local overdraft to the database, then stop."""
        if self._task is not None:
            await super().stop()
            debts = [
                BucketRequest(name, bucket.policy, 0, bucket.debt)
                for name, bucket in self._buckets.items()
                if bucket.debt
            ]
            if debts:
                with suppress(*DATABASE_ERRORS):
                    await self._shared.take(debts)
            _resolve_waiters(self._buckets.values())
        await self._shared.close()

    def _bucket(self, name: str, policy: Policy) -> _LocalBucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = _LocalBucket(policy)
            if len(self._buckets) > self._max_buckets:
                oldest, evicted = self._buckets.popitem(last=False)
                if evicted.pending is not None:  # a request waits for it
                    self._buckets[oldest] = evicted
        else:
            self._buckets.move_to_end(name)
        bucket.policy = policy
        return bucket

    def _request(self, name: str, bucket: _LocalBucket) -> None:
        """Ask for a grant in the next fetch."""
        self._requested[name] = bucket
        self._wake.set()

    def _decide_locally(self, bucket: _LocalBucket, now: float) -> Decision:
        result = take(bucket.policy, bucket.full_at, now=now, requested=1)
        bucket.full_at = result.full_at
        if not result.granted:
            bucket.blocked_until = now + seconds_until_available(
                bucket.policy, bucket.full_at, now=now
            )
            return _deny(bucket, now, local_only=True)
        bucket.debt = min(bucket.debt + 1, bucket.policy.burst)
        return _allow(bucket, now, local_only=True)

    async def run(self) -> None:
        """Fetch grants whenever buckets need them."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._requested:
                await self._fetch()

    async def _fetch(self) -> None:
        """Fetch one batch of requested grants."""
        batch: list[_LocalBucket] = []
        requests: list[BucketRequest] = []
        while self._requested and len(batch) < BATCH_SIZE:
            name, bucket = self._requested.popitem(last=False)
            batch.append(bucket)
            requests.append(BucketRequest(name, bucket.policy, bucket.deficit, bucket.debt))
            bucket.debt = 0  # What is allowed during the query becomes new debt.
        try:
            grants = await self._shared.take(requests)
            now = self._clock()
            for bucket, request, grant in zip(batch, requests, grants, strict=True):
                bucket.tokens += grant.granted
                bucket.full_at = now + grant.seconds_to_full
                if bucket.tokens == 0 and request.requested:  # else nothing was asked for
                    wait = seconds_until_available(bucket.policy, bucket.full_at, now=now)
                    bucket.blocked_until = now + max(wait, 0.001)
            if now >= self._delete_full_at:
                self._delete_full_at = now + DELETE_FULL_INTERVAL_SECONDS
                await self._shared.delete_full()
        except DATABASE_ERRORS as error:
            _restore_debt(batch, requests)
            self._outage.failed(error)
            self._local_only_until = self._clock() + LOCAL_ONLY_SECONDS
        except asyncio.CancelledError:
            _restore_debt(batch, requests)
            raise
        else:
            self._outage.succeeded()
        finally:
            _resolve_waiters(batch)


def _allow(bucket: _LocalBucket, now: float, *, local_only: bool = False) -> Decision:
    remaining = bucket.tokens + available(bucket.policy, bucket.full_at, now=now)
    reset = math.ceil(bucket.full_at - now) if bucket.full_at > now else 0
    return Decision(True, bucket.policy, remaining, reset, 0, local_only)


def _deny(bucket: _LocalBucket, now: float, *, local_only: bool = False) -> Decision:
    retry_after = max(1, math.ceil(bucket.blocked_until - now))
    reset = max(retry_after, math.ceil(bucket.full_at - now))
    return Decision(
        False,
        bucket.policy,
        remaining=0,
        reset=reset,
        retry_after=retry_after,
        local_only=local_only,
    )


def _restore_debt(batch: Sequence[_LocalBucket], requests: Sequence[BucketRequest]) -> None:
    for bucket, request in zip(batch, requests, strict=True):
        bucket.debt += request.debt


def _resolve_waiters(buckets: Iterable[_LocalBucket]) -> None:
    """Let requests that wait for these buckets decide again."""
    for bucket in buckets:
        pending, bucket.pending, bucket.waiters = bucket.pending, None, 0
        if pending is not None and not pending.done():
            pending.set_result(None)
