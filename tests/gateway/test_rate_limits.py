"""Limits of requests: the bucket, a replica's share of it, and four replicas together."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.gateway.rate_limits.client_address import TrustedProxies, address_bucket
from services.gateway.rate_limits.gcra import Policy, available, seconds_until_available, take
from services.gateway.rate_limits.limiter import Decision, Limiter
from services.gateway.rate_limits.policies import kind_of
from services.gateway.rate_limits.shared_buckets import BucketGrant, BucketRequest, SharedBuckets
from services.platform.database import Database
from services.platform.settings import ForwardedHeader, Service, Settings
from tests.conftest import Hub, new_key
from tests.gateway.key_rows import set_monthly_quota, stored_buckets
from tests.servers import serving

BOUNDS = examples(deadline=None, max_examples=60)
"""A busy machine is no fault of the limits."""

policies = st.builds(
    Policy,
    name=st.just("reads"),
    quota=st.integers(2, 2000),
    window=st.integers(1, 3600).map(lambda seconds: timedelta(seconds=seconds)),
)
pauses = st.lists(st.floats(0, 100, allow_nan=False), min_size=1, max_size=60)


def admitted(policy: Policy, times: Sequence[float]) -> list[float]:
    """Return the times at which a bucket that starts full allows one request."""
    full_at, through = 0.0, list[float]()
    for now in times:
        taken = take(policy, full_at, now=now, requested=1)
        full_at = taken.full_at
        through += [now] * taken.granted
    return through


@pytest.mark.slow
@BOUNDS
@given(policies, pauses)
def test_no_span_of_a_window_holds_more_than_the_quota(
    policy: Policy, waits: Sequence[float]
) -> None:
    times, now = list[float](), 0.0
    for pause in waits:
        now += pause * policy.interval
        times += [now] * (policy.quota // 4 + 2)
    through = admitted(policy, times)
    window = policy.window.total_seconds()
    for index, first in enumerate(through):
        # Just below the window: at its very end the next one begins.
        assert sum(time < first + window * (1 - 1e-9) for time in through[index:]) <= policy.quota


@BOUNDS
@given(policies, st.integers(0, 3000), st.floats(0, 10_000))
def test_a_bucket_gives_what_it_holds_and_fills_again(
    policy: Policy, wanted: int, now: float
) -> None:
    taken = take(policy, 0.0, now=now, requested=wanted)
    assert taken.granted == min(wanted, policy.burst)
    left = available(policy, taken.full_at, now=now)
    assert left == policy.burst - taken.granted
    later = now + policy.window.total_seconds()
    assert available(policy, taken.full_at, now=later) == policy.burst


@BOUNDS
@given(policies, st.lists(st.tuples(st.floats(0, 50), st.integers(0, 50), st.integers(0, 5))))
def test_a_bucket_restores_debt_and_reports_when_it_allows_again(
    policy: Policy, steps: Sequence[tuple[float, int, int]]
) -> None:
    now = full_at = 0.0
    for pause, wanted, owed in steps:
        now += pause
        taken = take(policy, full_at, now=now, requested=wanted, debt=owed)
        assert taken.full_at >= full_at
        assert 0 <= taken.granted <= wanted
        full_at = taken.full_at
        if available(policy, full_at, now=now) == 0:
            rest = seconds_until_available(policy, full_at, now=now)
            assert rest > 0
            assert available(policy, full_at, now=now + rest + 1e-6) >= 1
            assert available(policy, full_at, now=now + rest * 0.99) == 0


class Bucket:
    """The shared bucket of a test, in memory; it may be out of reach."""

    def __init__(self, *, turns: int = 1) -> None:
        """Create a bucket that responds after `turns` of the event loop."""
        self.now = 0.0
        self.turns = turns
        self.full_at: dict[str, float] = {}
        self.asked = 0
        self.away = False

    async def take(self, requests: Sequence[BucketRequest]) -> list[BucketGrant]:
        self.asked += 1
        for _ in range(self.turns):
            await asyncio.sleep(0)
        if self.away:
            raise OSError("away")
        grants: list[BucketGrant] = []
        for request in requests:
            before = self.full_at.get(request.bucket, 0.0)
            taken = take(
                request.policy, before, now=self.now, requested=request.requested, debt=request.debt
            )
            self.full_at[request.bucket] = taken.full_at
            grants.append(BucketGrant(taken.granted, max(taken.full_at - self.now, 0)))
        return grants

    async def delete_full(self) -> None: ...

    async def close(self) -> None: ...


@asynccontextmanager
async def four_replicas(bucket: Bucket) -> AsyncGenerator[list[Limiter]]:
    """Limiters that share a bucket and its clock."""
    replicas = [Limiter(bucket, clock=lambda: bucket.now) for _ in range(4)]
    for replica in replicas:
        replica.start()
    yield replicas
    for replica in replicas:
        await replica.stop()


@pytest.mark.slow
@BOUNDS
@given(
    st.integers(20, 4000),
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 80), st.floats(0, 3)), max_size=25),
)
def test_four_replicas_let_through_what_one_bucket_holds_within_five_percent(
    quota: int, steps: Sequence[tuple[int, int, float]]
) -> None:
    policy = Policy("reads", quota, timedelta(minutes=1))

    async def story() -> tuple[int, float]:
        bucket = Bucket()
        through = 0
        async with four_replicas(bucket) as replicas:
            for index, many, pause in [*steps, *((index, quota, 0.0) for index in range(4))]:
                bucket.now += pause
                for _ in range(many):
                    through += (await replicas[index].decide("one", policy)).allowed
        return through, bucket.now

    through, seconds = asyncio.run(story())
    most = policy.burst + seconds / policy.interval
    assert through <= most + 4 * policy.overdraft
    assert through >= policy.burst - 4 * policy.grant_size
    assert 4 * policy.grant_size <= max(4, policy.burst * 0.05)


@pytest.mark.slow
@BOUNDS
@given(
    st.integers(400, 1600),
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.floats(0, 15),
            st.lists(st.integers(0, 40), min_size=4, max_size=4),
        ),
        min_size=1,
        max_size=12,
    ),
)
def test_four_replicas_give_all_that_the_bucket_holds_and_gains_within_five_percent(
    quota: int, steps: Sequence[tuple[int, float, Sequence[int]]]
) -> None:
    """Each step some requests come at each replica, and at one of them more than there are."""
    policy = Policy("reads", quota, timedelta(minutes=1))

    async def story() -> tuple[int, float]:
        bucket = Bucket()
        through = 0
        async with four_replicas(bucket) as replicas:
            for greedy, pause, some in [(0, 0.0, (0, 0, 0, 0)), *steps]:
                bucket.now += pause
                for replica, many in zip(replicas, some, strict=True):
                    for _ in range(many):
                        through += (await replica.decide("one", policy)).allowed
                while (await replicas[greedy].decide("one", policy)).allowed:
                    through += 1
        return through, bucket.now

    through, seconds = asyncio.run(story())
    most = policy.burst + seconds / policy.interval
    assert 0.95 * most <= through <= 1.05 * most


def test_requests_at_once_are_answered_by_few_questions() -> None:
    policy = Policy("reads", 400, timedelta(hours=1))
    bucket = Bucket()

    async def story() -> list[Decision]:
        limiter = Limiter(bucket, clock=lambda: bucket.now)
        limiter.start()
        decisions = await asyncio.gather(*(limiter.decide("one", policy) for _ in range(300)))
        await limiter.stop()
        return decisions

    decisions = asyncio.run(story())
    assert abs(sum(decision.allowed for decision in decisions) - 100) <= policy.overdraft
    assert bucket.asked <= 6
    refused = next(decision for decision in decisions if not decision.allowed)
    assert (refused.remaining, refused.local_only) == (0, False)
    assert 0 < refused.retry_after <= 2 * policy.interval + 1


@pytest.mark.slow
@BOUNDS
@given(
    st.sampled_from((8, 40, 400, 1600)),
    st.integers(1, 9),
    st.lists(st.integers(0, 9), min_size=1, max_size=8),
)
def test_no_request_is_refused_before_the_bucket_is_empty(
    quota: int, slowness: int, turns: Sequence[int]
) -> None:
    """Requests come one by one, while the database answers and after it."""
    policy = Policy("reads", quota, timedelta(minutes=1))

    async def story() -> list[bool]:
        bucket, allowed = Bucket(turns=slowness), list[bool]()
        limiter = Limiter(bucket, clock=lambda: bucket.now)
        limiter.start()
        while len(allowed) < policy.burst:
            allowed.append((await limiter.decide("one", policy)).allowed)
            for _ in range(turns[len(allowed) % len(turns)]):
                await asyncio.sleep(0)
        await limiter.stop()
        return allowed

    assert all(asyncio.run(story()))


def test_a_replica_without_the_database_limits_by_itself_and_pays_later() -> None:
    policy = Policy("writes", 40, timedelta(hours=1))
    bucket = Bucket()

    async def story() -> None:
        limiter = Limiter(bucket, clock=lambda: bucket.now)
        limiter.start()
        bucket.away = True
        alone = [await limiter.decide("one", policy) for _ in range(20)]
        assert [decision.allowed for decision in alone] == [True] * 10 + [False] * 10
        assert {decision.local_only for decision in alone} == {True}
        assert alone[0].headers[0] == (b"ratelimit-policy", b'"writes";q=40;w=3600;local')
        bucket.away = False
        bucket.now += 2
        # What went through alone was not free.
        assert not (await limiter.decide("one", policy)).allowed
        await limiter.stop()
        assert bucket.full_at["one"] > bucket.now + 9 * policy.interval

    asyncio.run(story())


def test_a_replica_remembers_so_many_buckets_and_no_more() -> None:
    policy = Policy("reads", 1000, timedelta(hours=1))

    async def story() -> int:
        bucket = Bucket()
        limiter = Limiter(bucket, clock=lambda: bucket.now, max_buckets=10)
        limiter.start()
        for number in range(100):
            assert (await limiter.decide(f"bucket {number}", policy)).allowed
        await limiter.stop()
        return limiter.bucket_count

    assert asyncio.run(story()) == 10


def test_the_database_counts_as_the_bucket_does(empty: Settings) -> None:
    policy = Policy("reads", 1000, timedelta(hours=1))

    async def story() -> list[int]:
        database = Database(empty, Service.gateway)
        leases = SharedBuckets(database, empty.region)
        given = [
            (
                await leases.take(
                    [BucketRequest("a", policy, wanted, owed), BucketRequest("b", policy, 1, 0)]
                )
            )[0]
            for wanted, owed in ((100, 0), (100, 20), (100, 0), (5, 0))
        ]
        await leases.delete_full()
        assert await asyncio.to_thread(stored_buckets, empty) == ["a", "b"]
        await leases.close()
        await database.close()
        return [lease.granted for lease in given]

    assert asyncio.run(story()) == [100, 100, 30, 0]


@pytest.mark.slow
def test_four_replicas_on_one_database_share_one_limit_within_five_percent(
    settings: Settings,
) -> None:
    limited = settings.model_copy(update={"address_reads_per_minute": 1600})
    policy = Policy("reads", 1600, timedelta(minutes=1))

    def flood(address: str) -> list[int]:
        """Send until the limit was reached many times; a slow machine sends longer."""
        statuses: list[int] = []
        with httpx.Client(base_url=address, verify=False, trust_env=False) as client:
            while statuses.count(429) < 50:
                statuses.append(client.get("/api/v1/nothing").status_code)
        return statuses

    with ExitStack() as stack:
        replicas = [stack.enter_context(serving(create_app(limited))) for _ in range(4)]
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            statuses = [status for found in pool.map(flood, replicas) for status in found]
        seconds = time.monotonic() - began
    through = sum(status != 429 for status in statuses)
    most = policy.burst + seconds / policy.interval
    assert policy.burst * 0.95 <= through <= most * 1.05


def test_a_refused_client_gets_the_time_to_wait(settings: Settings) -> None:
    limited = settings.model_copy(
        update={"address_reads_per_minute": 8, "key_writes_per_minute": 8}
    )
    with TestClient(create_app(limited)) as client:
        answers = [client.get("/api/v1/links") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        first, _, refused = answers
        assert first.headers["ratelimit-policy"] == '"reads";q=8;w=60'
        assert first.headers["ratelimit"].startswith('"reads";r=1;t=')
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["type"] == "urn:emall:problem:too-many-requests"
        assert 1 <= int(refused.headers["retry-after"]) <= 10
        assert refused.headers["ratelimit"].startswith('"reads";r=0;t=')
        assert refused.headers["cache-control"] == "no-store"
        # Pages count too; files of pages and probes do not; another kind has its own bucket.
        assert client.get("/").status_code == 429
        assert client.get("/health/live").status_code == 200
        assert client.get("/api/v1/links/sla.csv?year=2024").status_code == 200
        # A key has its own bucket.
        key = new_key(limited, "dukcapil", "usage:write")
        sent = [
            client.post(
                "/api/v1/usage/statistics",
                json={"statistics": []},
                headers={"Authorization": f"Bearer {key}", "X-Forwarded-For": "192.0.2.9"},
            ).status_code
            for _ in range(3)
        ]
        assert sent[0] == sent[1] != 429
        assert sent[2] == 429


def test_keys_that_must_be_looked_up_cost_their_address(settings: Settings) -> None:
    limited = settings.model_copy(update={"address_reads_per_minute": 16})
    with TestClient(create_app(limited)) as client:
        statuses = [
            client.get(
                "/api/v1/links", headers={"Authorization": f"Bearer emk_{number:012}_{'0' * 64}"}
            ).status_code
            for number in range(6)
        ]
    assert statuses == [401] * 4 + [429] * 2


def test_without_its_database_the_gateway_limits_locally(settings: Settings) -> None:
    away = SecretStr("postgresql://postgres@/nothing?host=/nowhere")
    own = settings.model_copy(update={"gateway_database_url": away, "address_reads_per_minute": 16})
    with TestClient(create_app(own)) as client:
        answers = [client.get("/api/v1/services") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    assert answers[0].headers["ratelimit-policy"] == '"reads";q=16;w=60;local'


def test_a_key_is_refused_past_its_monthly_quota_with_the_time_of_renewal(hub: Hub) -> None:
    key = hub.key("dukcapil", "usage:write")
    set_monthly_quota(hub.settings, 3)
    auth = {"Authorization": f"Bearer {key}"}
    statuses = [hub.client.get("/api/v1/links", headers=auth).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = hub.client.get("/api/v1/links", headers=auth)
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["ratelimit"].startswith('"month";r=0;t=')


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/api/v1/services", "reads"),
        ("HEAD", "/", "reads"),
        ("POST", "/api/v1/usage/events", "writes"),
        ("DELETE", "/api/v1/keys/x", "writes"),
        ("GET", "/api/v1/links/sla.csv", "exports"),
        ("GET", "/api/v1/surveys/skm/exports/responses.sav", "exports"),
        ("GET", "/api/v1/assessments/x/bundle", "exports"),
        ("GET", "/poster/services/pbg.pdf", "exports"),
        ("GET", "/static/page.css", None),
        ("GET", "/health/ready", None),
    ],
)
def test_a_request_is_a_read_a_write_or_an_export(method: str, path: str, kind: str | None) -> None:
    assert kind_of(method, path) == kind


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", {}, "203.0.113.7"),
        ("203.0.113.7", {"x-forwarded-for": "198.51.100.1"}, "203.0.113.7"),
        ("10.0.0.1", {"x-forwarded-for": "198.51.100.1"}, "198.51.100.1"),
        ("10.0.0.1", {"x-forwarded-for": "8.8.8.8, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"),
        ("10.0.0.1", {"x-forwarded-for": "10.0.0.3, 10.0.0.2"}, "10.0.0.3"),
        ("10.0.0.1", {"x-forwarded-for": "forged"}, "10.0.0.1"),
        ("10.0.0.1", {"x-forwarded-for": "8.8.8.8, unknown, 10.0.0.2"}, "10.0.0.2"),
        ("::ffff:10.0.0.1", {"x-forwarded-for": "198.51.100.1:99"}, "198.51.100.1"),
        ("testclient", {"x-forwarded-for": "198.51.100.1"}, "testclient"),
    ],
)
def test_only_a_trusted_proxy_is_believed_about_the_client(
    peer: str, forwarded: dict[str, str], client: str
) -> None:
    headers = [(name.encode(), value.encode()) for name, value in forwarded.items()]
    assert TrustedProxies("10.0.0.0/8, ::1").client(peer, headers) == client


PROXY = "10.0.0.1"
CLIENT = "198.51.100.1"


@pytest.mark.parametrize(
    ("header", "reported"),
    [
        (ForwardedHeader.x_forwarded_for, CLIENT),
        (ForwardedHeader.x_real_ip, CLIENT),
        (ForwardedHeader.forwarded, f"for={CLIENT};proto=https"),
    ],
)
def test_one_header_is_read_and_the_others_are_the_clients_own(
    header: ForwardedHeader, reported: str
) -> None:
    claims = {
        "forwarded": "for=8.8.8.8;proto=http",
        "x-forwarded-for": "8.8.8.8",
        "x-real-ip": "8.8.8.8",
    }
    before = [(name.encode(), value.encode()) for name, value in claims.items()]
    others = [field for field in before if field[0] != header.value.encode()]
    proxies = TrustedProxies("10.0.0.0/8", header)
    said = [(header.value.encode(), reported.encode())]
    assert proxies.client(PROXY, [*others, *said]) == CLIENT
    assert proxies.client(PROXY, others) == PROXY
    assert proxies.client(PROXY, [*before, *said]) == CLIENT


@pytest.mark.parametrize(
    ("forwarded", "client", "scheme"),
    [
        (f"for=8.8.8.8;proto=http, for={CLIENT};proto=https", CLIENT, "https"),
        (f"For={CLIENT}, for=10.0.0.2;Proto=HTTP", CLIENT, "http"),
        ('for="[2001:db8::7]:4711"', "2001:db8::7", None),
        (f'for="{CLIENT}:80";by=_x', CLIENT, None),
        ("for=_hidden;proto=https", PROXY, "https"),
        ("for=unknown", PROXY, None),
        ("proto=https", PROXY, "https"),
        # What a client writes before the proxy's element, or in its `Host`, is no report.
        (f'for=8.8.8.8;x=", for={CLIENT};proto=https', CLIENT, "https"),
        (f'for={CLIENT};host="x;for=8.8.8.8;proto=http"', CLIENT, None),
        (f'for={CLIENT};host="x,for=8.8.8.8"', PROXY, None),
        (f'for={CLIENT};host="x,for=8.8.8.8;y=\\"";proto=http', PROXY, None),
        ("for=8.8.8.8 for=9.9.9.9", PROXY, None),
        # Malformed in a way that takes a backtracking parser 2 ** 60 steps.
        ("; " * 60 + "@", PROXY, None),
        (" ;" * 60 + "=", PROXY, None),
        (f'for={CLIENT};host="x,{" ; " * 60}@"', PROXY, None),
        (f"for={CLIENT}" + " ; proto=http" * 60 + " for", PROXY, None),
        (f"for={CLIENT}{' ;' * 60} proto=https", CLIENT, "https"),
    ],
)
def test_forwarded_is_read_element_by_element(
    forwarded: str, client: str, scheme: str | None
) -> None:
    proxies = TrustedProxies("10.0.0.0/8", ForwardedHeader.forwarded)
    headers = [(b"forwarded", forwarded.encode()), (b"x-forwarded-proto", b"ftp")]
    assert proxies.client(PROXY, headers) == client
    assert proxies.scheme(PROXY, headers) == scheme


@pytest.mark.parametrize(
    ("peer", "values", "scheme"),
    [
        (PROXY, ["https"], "https"),
        (PROXY, ["http, https"], "https"),
        (PROXY, ["http", "HTTPS"], "https"),
        (PROXY, ["gopher"], None),
        (PROXY, [], None),
        ("203.0.113.7", ["https"], None),
    ],
)
def test_the_scheme_is_the_nearest_trusted_proxys(
    peer: str, values: list[str], scheme: str | None
) -> None:
    headers = [(b"x-forwarded-proto", value.encode()) for value in values]
    headers.append((b"forwarded", b"proto=http"))
    assert TrustedProxies("10.0.0.0/8").scheme(peer, headers) == scheme


def test_a_client_behind_a_proxy_cannot_choose_whose_limit_it_uses(settings: Settings) -> None:
    limited = settings.model_copy(
        update={"address_exports_per_minute": 3, "trusted_proxies": "10.0.0.1"}
    )
    with TestClient(create_app(limited), client=(PROXY, 1)) as client:
        statuses = [
            client.get(
                "/nothing.csv",
                headers={
                    "X-Forwarded-For": CLIENT,
                    "Forwarded": f"for=8.8.8.{number}",
                    "X-Real-IP": f"8.8.8.{number}",
                },
            ).status_code
            for number in range(6)
        ]
        other = client.get("/nothing.csv", headers={"X-Forwarded-For": "198.51.100.2"})
    assert statuses[-1] == 429
    assert other.status_code == 404


def test_an_address_is_counted_by_its_line_and_hidden_by_a_key() -> None:
    assert address_bucket("2001:db8::1", key=b"k") == address_bucket("2001:db8::ffff:1", key=b"k")
    assert address_bucket("2001:db8::1", key=b"k") != address_bucket("2001:db8:0:1::1", key=b"k")
    assert address_bucket("192.0.2.1", key=b"k") == address_bucket("::ffff:192.0.2.1", key=b"k")
    assert address_bucket("192.0.2.1", key=b"k") != address_bucket("192.0.2.1", key=b"other")
    assert "192" not in address_bucket("192.0.2.1", key=b"")
