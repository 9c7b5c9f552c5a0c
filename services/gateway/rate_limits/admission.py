"""Who may pass the door: one place for limits, quotas and counts, asked without waiting."""

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial

from services.gateway.api_keys.keys import KeyHolder
from services.gateway.metering.metering import Consumption, month_of
from services.gateway.rate_limits.client_address import Proxies, bucket_of
from services.gateway.rate_limits.gcra import Policy
from services.gateway.rate_limits.limiter import Decision, Limiter
from services.gateway.rate_limits.policies import Rates, kind_of
from services.platform.identity import ANONYMOUS
from services.platform.settings import Settings

ADDRESSES_REMEMBERED = 20_000
FREE = Decision(True, None, remaining=0, reset=0)
"""Where no limit holds."""


class Admission:
    """Decides about requests, by key or by address.

    `admit` is synchronous and in memory, so that an answer from a cache costs no more; it returns
    None where the database must be asked, and then `decide` does.
    """

    def __init__(
        self, settings: Settings, limiter: Limiter, consumption: Consumption, *, key: bytes
    ) -> None:
        """`key` hashes addresses: no table tells who called."""
        self._rates = Rates(settings)
        self._limiter = limiter
        self._consumption = consumption
        self.proxies = Proxies(settings.trusted_proxies)
        self._bucket = lru_cache(ADDRESSES_REMEMBERED)(partial(bucket_of, key=key))

    def admit(
        self, method: str, path: str, *, client: str, holder: KeyHolder | None = None
    ) -> Decision | None:
        """Decides about a request of this client or key now; None: await `decide`."""
        found = self._limit(method, path, client=client, holder=holder)
        return found if isinstance(found, Decision) else self._limiter.admit(*found)

    async def decide(
        self, method: str, path: str, *, client: str, holder: KeyHolder | None = None
    ) -> Decision:
        """The same, with the database's word where that is needed."""
        found = self._limit(method, path, client=client, holder=holder)
        return found if isinstance(found, Decision) else await self._limiter.ask(*found)

    async def learn(self, holder: KeyHolder) -> None:
        """Asks the database what a key with a quota has spent of it."""
        await self._consumption.learn(holder.caller.subject)

    def counted(
        self,
        area: str,
        status: int,
        *,
        holder: KeyHolder | None = None,
        now: float | None = None,
    ) -> None:
        """Counts an answer that was given, now or so many seconds after 1970."""
        caller = holder.caller if holder else ANONYMOUS
        self._consumption.count(caller, area, status, now=now or time.time())

    def _limit(
        self, method: str, path: str, *, client: str, holder: KeyHolder | None
    ) -> Decision | tuple[str, Policy]:
        kind = kind_of(method, path)
        if kind is None:
            return FREE
        if holder is None:
            policy = self._rates.anonymous.get(kind)
            return (f"{kind} {self._bucket(client)}", policy) if policy else FREE
        if holder.monthly_quota is not None and (spent := self._over_quota(holder)):
            return spent
        policy = self._rates.keyed.get(kind)
        key_id = holder.caller.subject
        return (f"{kind} {key_id}", policy.times(holder.pace)) if policy else FREE

    def _over_quota(self, holder: KeyHolder) -> Decision | None:
        """The refusal of a key that has spent its month."""
        quota = holder.monthly_quota
        now = datetime.now(UTC)
        if quota is None or self._consumption.spent(holder.caller.subject, now=now) < quota:
            return None
        begin = month_of(now)
        end = month_of(begin + timedelta(days=32))
        rest = int((end - now).total_seconds()) + 1
        month = Policy("month", max(quota, 2), end - begin)
        return Decision(False, month, remaining=0, reset=rest, retry_after=rest)
