"""Admission control: rate limits, monthly quotas and metering behind one interface."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, partial

from services.gateway.api_keys.keys import Principal
from services.gateway.api_keys.metering import UsageMeter
from services.gateway.rate_limits.client_address import TrustedProxies, address_bucket
from services.gateway.rate_limits.gcra import Policy
from services.gateway.rate_limits.limiter import Decision, Limiter
from services.gateway.rate_limits.policies import Kind, RateLimitPolicies, kind_of
from services.platform.identity import ANONYMOUS
from services.platform.settings import Settings

MAX_CACHED_ADDRESSES = 20_000
QUOTA = "month"
"""Name of the policy of a key's monthly quota."""
UNLIMITED = Decision(True, None, remaining=0, reset=0)
"""Decision for a request without a limit."""


class Admission:
    """Decisions about requests, by key or by address.

    `admit` is synchronous and in memory, so that cache hits stay cheap; it returns None if the
    database must be asked, which `decide` does.
    """

    def __init__(
        self, settings: Settings, limiter: Limiter, consumption: UsageMeter, *, key: bytes
    ) -> None:
        """Use `key` to hash client addresses, so that no table stores them."""
        self._policies = RateLimitPolicies(settings)
        self._limiter = limiter
        self._meter = consumption
        self.refusals: Counter[str] = Counter()
        """Requests refused since the process started, by the name of the policy."""
        self.proxies = TrustedProxies(settings.trusted_proxies, settings.forwarded_header)
        self._address_bucket = lru_cache(MAX_CACHED_ADDRESSES)(partial(address_bucket, key=key))

    def admit(
        self, method: str, path: str, *, client: str, principal: Principal | None = None
    ) -> Decision | None:
        """Decide now about a request of this client or key; on None await `decide`."""
        limit = self._applicable_limit(method, path, client=client, principal=principal)
        return limit if isinstance(limit, Decision) else self._limiter.admit(*limit)

    async def decide(
        self, method: str, path: str, *, client: str, principal: Principal | None = None
    ) -> Decision:
        """Decide about a request, asking the database if needed."""
        limit = self._applicable_limit(method, path, client=client, principal=principal)
        decision = limit if isinstance(limit, Decision) else await self._limiter.decide(*limit)
        if not decision.allowed and decision.policy is not None:
            self.refusals[decision.policy.name] += 1
        return decision

    def address_limit(self, method: str, path: str) -> Callable[[str], Decision | None] | None:
        """Return `admit` for requests of any address to this path; None if they have no limit."""
        kind = kind_of(method, path)
        policy = self._policies.anonymous.get(kind) if kind is not None else None
        if kind is None or policy is None:
            return None
        admit, bucket = self._limiter.admit, partial(self._bucket_of_address, kind)
        return lambda client: admit(bucket(client), policy)

    async def load_quota_usage(self, principal: Principal) -> None:
        """Load from the database how much of its quota a key's family has used."""
        await self._meter.load_usage(principal.family)

    def count(
        self,
        area: str,
        status: int,
        *,
        principal: Principal | None = None,
        now: float | None = None,
    ) -> None:
        """Count a response; `now` is in seconds since 1970, default the current time."""
        caller, family = (principal.caller, principal.family) if principal else (ANONYMOUS, None)
        self._meter.count(caller, area, status, now=now or time.time(), family=family)

    def counter(self, area: str, status: int) -> Callable[[], None]:
        """Return a function that counts a response without a key in this hour."""
        return self._meter.counter(ANONYMOUS, area, status, now=time.time())

    def _bucket_of_address(self, kind: Kind, client: str) -> str:
        return f"{kind} {self._address_bucket(client)}"

    def _applicable_limit(
        self, method: str, path: str, *, client: str, principal: Principal | None
    ) -> Decision | tuple[str, Policy]:
        """Return the bucket and policy of a request, or a decision that needs no bucket."""
        kind = kind_of(method, path)
        if kind is None:
            return UNLIMITED
        if principal is None:
            policy = self._policies.anonymous.get(kind)
            return (self._bucket_of_address(kind, client), policy) if policy else UNLIMITED
        if principal.monthly_quota is not None and (refusal := self._quota_refusal(principal)):
            return refusal
        policy = self._policies.keyed.get(kind)
        if policy is None:
            return UNLIMITED
        # An agency's keys of one family share a bucket: further keys bring no further requests.
        bucket = f"{kind} {principal.family} {principal.caller.agency}"
        return bucket, policy.multiplied(principal.rate_multiplier)

    def _quota_refusal(self, principal: Principal) -> Decision | None:
        """Return the refusal of a key whose family has used up its monthly quota, or None."""
        quota = principal.monthly_quota
        now = datetime.now(UTC)
        if quota is None or self._meter.usage_this_month(principal.family, now=now) < quota:
            return None
        begin, end = self._meter.month_bounds(now)
        seconds_left = int((end - now).total_seconds()) + 1
        month = Policy(QUOTA, max(quota, 2), end - begin)
        return Decision(False, month, remaining=0, reset=seconds_left, retry_after=seconds_left)
