"""What may be kept, for how long, and what may be sent: RFC 9111 and RFC 5861, case by case."""

import asyncio
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.gateway.http_cache.byte_ranges import parse_range
from services.gateway.http_cache.cache_control import (
    MAX_SECONDS,
    parse_cache_control,
    parse_targeted,
)
from services.gateway.http_cache.compression import (
    accepted_codings,
    encoded_etag,
    identity_etags,
    is_compressible,
)
from services.gateway.http_cache.entry import CacheEntry, ParsedHeaders, build_response
from services.gateway.http_cache.http_date import parse_http_date
from services.gateway.http_cache.rfc9111 import (
    Freshness,
    RawHeaders,
    freshness_of,
    may_serve_stale_on_error,
    may_store,
    response_lifetime,
    vary_names,
    vary_values,
)
from services.gateway.http_cache.store import ALL_AREAS, MAX_VARIANTS, CacheStore

NOW = 1_800_000_000.0
KEY = ("http://hub", "/api/v1/services")


def raw(**fields: str) -> RawHeaders:
    return [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]


def day(seconds: float) -> str:
    return formatdate(NOW + seconds, usegmt=True)


def storable(asked: RawHeaders = (), status: int = 200, method: str = "GET", **said: str) -> bool:
    headers = raw(**said)
    life = response_lifetime(headers, requested_at=NOW, received_at=NOW)
    return may_store(method, asked, status=status, headers=headers, lifetime=life)


def use(cache_control: str, *, age: float, asked: str = "", valid: bool = True) -> Freshness:
    life = response_lifetime(raw(cache_control=cache_control), requested_at=NOW, received_at=NOW)
    assert life is not None
    return freshness_of(life, parse_cache_control([asked]), now=NOW + age, valid=valid)


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ({"cache_control": "max-age=60"}, True),
        ({"cache_control": "MAX-AGE=60"}, True),
        ({"cache_control": 'max-age="60"'}, True),
        ({"cache_control": "s-maxage=60"}, True),
        ({"cache_control": "public, max-age=60, unheard-of, other=1"}, True),
        ({"expires": day(60), "date": day(0)}, True),
        ({"cache_control": "no-store, max-age=60"}, False),
        ({"cache_control": "max-age=60,no-store"}, False),
        ({"cache_control": "private, max-age=60"}, False),
        ({"cache_control": 'private="x-secret", max-age=60'}, False),
        ({"cache_control": "no-cache, max-age=60"}, False),
        ({"cache_control": 'no-cache="set-cookie", max-age=60'}, False),
        ({"cache_control": "no-cache", "etag": '"1"'}, True),
        ({"cache_control": "no-cache", "last_modified": day(-9)}, True),
        ({"cache_control": "no-cache, private", "etag": '"1"'}, False),
        ({"last_modified": day(-9), "etag": '"1"'}, False),
        ({"cache_control": "max-age=60, no-store, must-understand"}, True),
        ({"cache_control": "max-age=60, private, must-understand"}, False),
        ({"cdn_cache_control": "max-age=60"}, True),
        ({"cdn_cache_control": "max-age=60", "cache_control": "no-store"}, True),
        ({"cdn_cache_control": "no-store", "cache_control": "max-age=60"}, False),
        ({"cdn_cache_control": "private", "cache_control": "max-age=60"}, False),
        ({"cdn_cache_control": "no-cache", "cache_control": "max-age=60"}, False),
        ({"cdn_cache_control": "max-age=60", "set_cookie": "a=1"}, False),
        ({"cdn_cache_control": 'max-age="60"', "cache_control": "no-store"}, False),
        ({"cdn_cache_control": "max-age=60, &", "cache_control": "no-store"}, False),
        ({"cdn_cache_control": "", "cache_control": "max-age=60"}, True),
        ({"cache_control": "max-age=60", "set_cookie": "a=1"}, False),
        ({"cache_control": "max-age=60", "vary": "*"}, False),
        ({"cache_control": "max-age=60", "vary": "Accept, *"}, False),
        ({"cache_control": "public"}, False),
        ({}, False),
    ],
)
def test_a_response_is_stored_only_if_it_allows_it(said: dict[str, str], stored: bool) -> None:
    headers = raw(**said)
    life = response_lifetime(headers, requested_at=NOW, received_at=NOW)
    assert may_store("GET", (), status=200, headers=headers, lifetime=life) is stored


@pytest.mark.parametrize(
    "status", [100, 103, 199, 206, 304, 401, 407, 412, 414, 416, 421, 429, 431, 600, 999]
)
def test_a_response_whose_status_is_about_one_request_is_not_stored(status: int) -> None:
    assert not storable(status=status, cache_control="max-age=60")


@pytest.mark.parametrize("status", [200, 203, 204, 299, 301, 302, 308, 400, 404, 410, 503, 599])
def test_a_response_with_any_other_status_is_stored_if_it_says_for_how_long(status: int) -> None:
    assert storable(status=status, cache_control="max-age=60")
    assert not storable(status=status)
    understood = "max-age=60, must-understand"
    assert storable(status=status, cache_control=understood) is (status not in {299, 400, 503, 599})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "get"])
def test_the_response_to_another_method_is_not_stored(method: str) -> None:
    assert not storable(method=method, cache_control="max-age=60")


def test_a_request_may_forbid_that_its_response_is_stored() -> None:
    assert not storable(raw(cache_control="no-store"), cache_control="max-age=60")


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("max-age=60", False),
        ("public, max-age=60", True),
        ("s-maxage=60", True),
        ("must-revalidate, max-age=60", True),
        ("public, no-store, max-age=60", False),
    ],
)
def test_the_answer_to_an_authorised_request_needs_leave_to_be_shared(
    said: str, stored: bool
) -> None:
    assert storable(raw(authorization="Bearer x"), cache_control=said) is stored


@pytest.mark.parametrize(
    ("said", "lifetime"),
    [
        ({"cache_control": "max-age=60"}, 60),
        ({"cache_control": "max-age=60, s-maxage=10"}, 10),
        ({"cache_control": "s-maxage=100, max-age=1"}, 100),
        ({"cache_control": "max-age=60, max-age=5"}, 5),
        ({"cache_control": "max-age=60", "expires": day(5), "date": day(0)}, 60),
        ({"expires": day(30), "date": day(0)}, 30),
        ({"expires": day(-30), "date": day(0)}, 0),
        ({"expires": day(30)}, 30),
        ({"expires": day(30), "date": "yesterday"}, 30),
        ({"expires": day(30), "date": day(-30)}, 60),
        ({"cdn_cache_control": "max-age=7", "cache_control": "max-age=60"}, 7),
        ({"cdn_cache_control": "max-age=7", "expires": day(60), "date": day(0)}, 7),
        ({"cdn_cache_control": "foo, max-age=7;a=1, b=:YQ==:"}, 7),
        ({"cdn_cache_control": "max-age =7", "cache_control": "max-age=60"}, 60),
        ({"cdn_cache_control": "MAX-AGE=7", "cache_control": "max-age=60"}, 60),
        ({"cdn_cache_control": "max-age=-7", "cache_control": "max-age=60"}, 60),
        ({"cdn_cache_control": "max-age=1.5", "cache_control": "max-age=60"}, 60),
        ({"cdn_cache_control": "no-store=?0, max-age=7"}, 7),
        ({"expires": "0", "date": day(0)}, 0),
        ({"expires": "next week", "date": day(0)}, 0),
        ({"cache_control": "max-age=0"}, 0),
        ({"cache_control": "max-age=-1"}, 0),
        ({"cache_control": "max-age=soon"}, 0),
        ({"cache_control": "max-age"}, 0),
        ({"cache_control": "max-age=1.5"}, 0),
        ({"cache_control": "max-age=" + "9" * 40}, MAX_SECONDS),
    ],
)
def test_how_long_an_answer_is_fresh(said: dict[str, str], lifetime: int) -> None:
    life = response_lifetime(raw(**said), requested_at=NOW, received_at=NOW)
    assert life is not None
    assert life.seconds == lifetime


@pytest.mark.parametrize(
    ("said", "age"),
    [
        ({}, 2.0),
        ({"age": "10"}, 12.0),
        ({"date": day(0)}, 2.0),
        ({"date": day(-30)}, 30.0),
        ({"date": day(-30), "age": "10"}, 30.0),
        ({"date": day(-5), "age": "40"}, 42.0),
        ({"date": day(+90)}, 2.0),
        ({"age": "-3"}, 2.0),
        ({"age": "old"}, 2.0),
        ({"age": "30, 10"}, 32.0),
        ({"age": "10.5"}, 2.0),
        ({"age": "10;a=b"}, 2.0),
        ({"age": "9" * 40}, MAX_SECONDS + 2.0),
    ],
)
def test_the_age_of_a_response_includes_its_age_header_and_its_delay(
    said: dict[str, str], age: float
) -> None:
    headers = raw(cache_control="max-age=60", **said)
    life = response_lifetime(headers, requested_at=NOW - 2, received_at=NOW + 0)
    assert life is not None
    assert life.age(NOW) == pytest.approx(age)
    assert life.age(NOW + 5) == pytest.approx(age + 5)


@pytest.mark.parametrize(
    ("said", "age", "asked", "expected"),
    [
        ("max-age=60", 59, "", Freshness.fresh),
        ("max-age=60", 60, "", Freshness.unusable),
        ("max-age=60", 5, "no-cache", Freshness.unusable),
        ("max-age=60", 5, "max-age=10", Freshness.fresh),
        ("max-age=60", 15, "max-age=10", Freshness.unusable),
        ("max-age=60", 5, "max-age=0", Freshness.unusable),
        ("max-age=60", 55, "min-fresh=10", Freshness.unusable),
        ("max-age=60", 45, "min-fresh=10", Freshness.fresh),
        ("max-age=60", 70, "max-stale=20", Freshness.stale),
        ("max-age=60", 90, "max-stale=20", Freshness.unusable),
        ("max-age=60", 9000, "max-stale", Freshness.stale),
        ("max-age=60, must-revalidate", 61, "max-stale", Freshness.unusable),
        ("max-age=60, proxy-revalidate", 61, "max-stale", Freshness.unusable),
        ("s-maxage=60", 61, "max-stale", Freshness.unusable),
        ("max-age=60, stale-while-revalidate=30", 89, "", Freshness.stale),
        ("max-age=60, stale-while-revalidate=30", 90, "", Freshness.unusable),
        ("max-age=60, stale-while-revalidate=30, must-revalidate", 61, "", Freshness.unusable),
        ("max-age=60, stale-while-revalidate=30", 70, "max-age=100", Freshness.unusable),
        ("max-age=60, stale-while-revalidate=30", 70, "min-fresh=1", Freshness.unusable),
        ("max-age=60, immutable", 61, "", Freshness.unusable),
        ("max-age=60, no-cache", 1, "", Freshness.unusable),
        ("max-age=60, no-cache", 61, "max-stale", Freshness.unusable),
    ],
)
def test_an_entry_is_used_if_request_and_response_allow_it(
    said: str, age: float, asked: str, expected: Freshness
) -> None:
    assert use(said, age=age, asked=asked) is expected


def test_what_has_changed_is_not_used_however_fresh() -> None:
    assert use("max-age=60, stale-while-revalidate=60", age=1, valid=False) is Freshness.unusable


@pytest.mark.parametrize(
    ("said", "age", "asked", "bears"),
    [
        ("max-age=60, stale-if-error=100", 159, "", True),
        ("max-age=60, stale-if-error=100", 160, "", False),
        ("max-age=60", 61, "", False),
        ("max-age=60", 61, "stale-if-error=10", True),
        ("max-age=60, must-revalidate, stale-if-error=100", 61, "", False),
        ("s-maxage=60, stale-if-error=100", 61, "", False),
    ],
)
def test_what_is_stale_stands_in_for_an_error_for_a_time(
    said: str, age: float, asked: str, bears: bool
) -> None:
    life = response_lifetime(raw(cache_control=said), requested_at=NOW, received_at=NOW)
    assert life is not None
    assert may_serve_stale_on_error(life, parse_cache_control([asked]), now=NOW + age) is bears


@given(some.text(max_size=200))
def test_any_text_is_a_cache_control(value: str) -> None:
    for name, seconds in parse_cache_control([value]).values.items():
        assert name == name.lower()
        assert seconds is None or 0 <= seconds <= MAX_SECONDS


@given(
    lifetime=some.integers(0, 10**6),
    grace=some.integers(0, 10**6),
    age=some.floats(0, 10**7),
    later=some.floats(0, 10**7),
)
def test_what_may_not_be_used_now_may_not_be_used_later(
    lifetime: int, grace: int, age: float, later: float
) -> None:
    said = f"max-age={lifetime}, stale-while-revalidate={grace}"
    order = [Freshness.fresh, Freshness.stale, Freshness.unusable]
    assert order.index(use(said, age=age + later)) >= order.index(use(said, age=age))


NOVEMBER = 784111777.0
"""1994-11-06 08:49:37 UTC, the example of RFC 9110, 5.6.7."""


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", NOVEMBER),
        ("Sunday, 06-Nov-94 08:49:37 GMT", NOVEMBER),
        ("Sun Nov  6 08:49:37 1994", NOVEMBER),
        ("sUN, 06 nOV 1994 08:49:37 gmt", NOVEMBER),
        (" Sun, 06 Nov 1994 08:49:37 GMT ", NOVEMBER),
        ("Thu, 18 Aug 2050 02:01:18 GMT", 2544400878.0),
        ("Thursday, 18-Aug-50 02:01:18 GMT", 2544400878.0),
        ("Sun, 06 Nov 1994 08:49:60 GMT", NOVEMBER + 22),
        ("Sun, 06 Nov 1994 08:49:37 UTC", None),
        ("Sun, 06 Nov 1994 08:49:37 +0000", None),
        ("Sun, 06 Nov 1994 08:49:37", None),
        ("Sun, 06 Nov 94 08:49:37 GMT", None),
        ("Sun, 06-Nov-1994 08:49:37 GMT", None),
        ("Sun 06 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06  Nov  1994 08:49:37 GMT", None),
        ("Sun, 6 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 8:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08.49.37 GMT", None),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 24:49:37 GMT", None),
        ("Sun, \u0660\u0666 Nov 1994 08:49:37 GMT", None),
        ("0", None),
        ("", None),
    ],
)
def test_dates_have_one_of_three_forms_and_no_other(value: str, time: float | None) -> None:
    assert parse_http_date(value, now=NOW) == time


@given(some.integers(0, 4 * 10**9))
def test_a_date_that_is_written_is_read_as_the_same(time: int) -> None:
    assert parse_http_date(formatdate(time, usegmt=True), now=NOW) == time


@given(some.text(max_size=60))
def test_any_text_is_a_date_or_none(value: str) -> None:
    parse_http_date(value, now=NOW)
    parse_targeted([value])
    parse_range(value)


@pytest.mark.parametrize(
    ("value", "size", "part"),
    [
        ("bytes=0-0", 10, slice(0, 1)),
        ("bytes=3-", 10, slice(3, 10)),
        ("bytes=-4", 10, slice(6, 10)),
        ("bytes=-99", 10, slice(0, 10)),
        ("bytes=9-99", 10, slice(9, 10)),
        ("Bytes=1-2", 10, slice(1, 3)),
        ("bytes=10-", 10, None),
        ("bytes=0-", 0, None),
        ("bytes=-0", 10, None),
    ],
)
def test_a_range_names_a_part_or_none(value: str, size: int, part: slice | None) -> None:
    found = parse_range(value)
    assert found is not None
    assert found.slice_of(size) == part


def test_languages_choose_in_any_case() -> None:
    names = vary_names(raw(vary="Accept-Language, X"))
    one, other = (raw(accept_language=said, x="a") for said in ("id, en;q=0.5", "ID,  EN;q=0.5"))
    assert vary_values(names, one) == vary_values(names, other)
    assert vary_values(names, raw(x="a")) != vary_values(names, raw(x="A"))


def test_fields_that_choose_are_compared_as_lists() -> None:
    names = vary_names(raw(vary="Accept-Language, accept"))
    assert names == ("accept", "accept-language")
    one = vary_values(names, raw(accept="a,b", accept_language="id"))
    same = vary_values(names, [*raw(accept="a"), *raw(accept=" b"), *raw(accept_language="id")])
    assert one == same
    assert vary_values(names, raw(accept="a")) != one


@pytest.mark.parametrize(
    ("given", "first"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.0", "identity"),
        ("*", "br"),
        ("*;q=0.1, gzip;q=0.5", "gzip"),
        ("br;q=0, *", "zstd"),
        ("identity", "identity"),
        ("identity;q=1, gzip;q=0.5", "identity"),
        ("deflate", "identity"),
        ("identity;q=0, gzip", "gzip"),
        ("*;q=0", "identity"),
        ("gzip;q=much", "identity"),
        ("gzip;level=9", "identity"),
        ("gzip;q=1.5", "identity"),
    ],
)
def test_the_form_that_a_client_likes_best(given: str | None, first: str) -> None:
    assert accepted_codings(given)[0] == first


def test_a_refused_form_is_never_chosen() -> None:
    assert "identity" not in accepted_codings("identity;q=0, gzip")
    assert accepted_codings("br;q=0, *") == ("zstd", "gzip", "identity")


@given(some.text(max_size=100))
def test_any_text_chooses_a_form(value: str) -> None:
    assert set(accepted_codings(value)) <= {"br", "zstd", "gzip", "identity"}
    assert accepted_codings(value)


@pytest.mark.parametrize(
    ("media_type", "size", "gains"),
    [
        ("application/json", 5000, True),
        ("application/problem+json", 5000, True),
        ("text/html; charset=utf-8", 5000, True),
        ("image/svg+xml", 5000, True),
        ("application/json", 300, False),
        ("image/png", 5000, False),
        ("application/pdf", 5000, False),
        ("application/zip", 5000, False),
        ("", 5000, False),
    ],
)
def test_small_and_packed_bodies_are_not_packed(media_type: str, size: int, gains: bool) -> None:
    assert is_compressible(media_type, size) is gains


def test_a_tag_names_its_form_and_comes_back_to_its_content() -> None:
    assert encoded_etag("br", '"abc"') == '"abc-br"'
    assert encoded_etag("identity", '"abc"') == '"abc"'
    assert encoded_etag("br", 'W/"abc"') == 'W/"abc"'
    assert identity_etags('"abc-br", W/"d-gzip", "e", *') == '"abc", W/"d", "e", *'


def entry(
    body: bytes = b"x" * 2000, *, mark: int = 0, asked: RawHeaders = (), **said: str
) -> CacheEntry:
    fields = {"cache_control": "max-age=60", "content_type": "text/plain", "etag": '"t"'}
    headers = raw(**(fields | said))
    life = response_lifetime(headers, requested_at=NOW, received_at=NOW)
    assert life is not None
    vary = vary_names(headers)
    return CacheEntry(200, headers, body, life, mark, vary, vary_values(vary, asked))


def reply(stored: CacheEntry, **asks: str) -> tuple[int, dict[str, str], bytes]:
    asked = ParsedHeaders.of(raw(**asks))
    coding = stored.coding_for(asked)
    if not stored.has_coding(coding):
        asyncio.run(stored.compress(coding))
    sent = build_response(stored, asked, now=NOW + 7, cache_status="hit")
    return sent.status, {name.decode(): value.decode() for name, value in sent.headers}, sent.body


def test_a_form_is_packed_once_and_named() -> None:
    stored = entry()
    status, headers, body = reply(stored, accept_encoding="gzip")
    assert (status, headers["content-encoding"], headers["etag"]) == (200, "gzip", '"t-gzip"')
    assert (headers["vary"], headers["age"]) == ("accept-encoding", "7")
    assert int(headers["content-length"]) == len(body) < 100
    assert reply(stored, accept_encoding="gzip")[2] is body
    plain = reply(stored)
    assert (plain[1]["etag"], plain[1]["vary"], plain[2]) == ('"t"', "accept-encoding", stored.body)


@pytest.mark.parametrize(
    ("tags", "codings", "status", "tag"),
    [
        ('"t"', "", 304, '"t"'),
        ('W/"t"', "", 304, '"t"'),
        ('"other", "t"', "", 304, '"t"'),
        ("*", "gzip", 304, '"t-gzip"'),
        ('"t-gzip"', "gzip", 304, '"t-gzip"'),
        ('"t"', "gzip", 304, '"t"'),  # the client holds the plain form, and takes it
        ('"t"', "gzip, identity;q=0", 200, '"t-gzip"'),
        ('"t-br"', "gzip", 200, '"t-gzip"'),
        ('"other"', "", 200, '"t"'),
        ("", "", 200, '"t"'),
    ],
)
def test_a_client_that_holds_a_form_it_takes_gets_304(
    tags: str, codings: str, status: int, tag: str
) -> None:
    got, headers, body = reply(entry(), if_none_match=tags, accept_encoding=codings)
    assert (got, headers["etag"]) == (status, tag)
    if status == 304:
        assert body == b""
        assert {"content-length", "content-type", "content-encoding"}.isdisjoint(headers)
        assert {"cache-control", "etag", "vary", "age"} <= set(headers)


def test_what_must_not_be_transformed_is_not_packed() -> None:
    stored = entry(cache_control="max-age=60, no-transform")
    assert "content-encoding" not in reply(stored, accept_encoding="gzip")[1]
    packed = entry(content_encoding="gzip")
    assert reply(packed, accept_encoding="br")[1]["content-encoding"] == "gzip"


def test_a_store_evicts_the_least_recently_used_entries_at_its_limit() -> None:
    store = CacheStore(max_bytes=10_000)
    stored = {name: entry() for name in "abcd"}
    for name in "abc":
        store.put(("http://hub", name), stored[name])
    assert store.get(("http://hub", "a"), ()) is stored["a"]
    store.put(("http://hub", "d"), stored["d"])
    found = {name: store.get(("http://hub", name), ()) is not None for name in "abcd"}
    assert found == {"a": True, "b": False, "c": True, "d": True}
    assert store.size <= store.max_bytes
    stored["a"].compressed["gzip"] = b"x" * 5000
    store.update_size(stored["a"])
    assert store.size <= store.max_bytes
    store.update_size(stored["b"])  # thrown out before: counts nothing
    assert store.size == sum(e.size for n, e in stored.items() if store.get(("http://hub", n), ()))


@given(some.lists(some.tuples(some.integers(0, 9), some.integers(0, 4000)), max_size=60))
def test_a_store_counts_what_it_holds(puts: list[tuple[int, int]]) -> None:
    store = CacheStore(max_bytes=12_000)
    for name, size in puts:
        store.put(("http://hub", str(name)), entry(b"x" * size))
    entries = [store.get(("http://hub", str(name)), ()) for name in range(10)]
    assert store.size == sum(found.size for found in entries if found) <= store.max_bytes
    assert len(store) == sum(found is not None for found in entries)


def test_each_variant_of_an_address_is_stored_up_to_a_limit() -> None:
    store = CacheStore(max_bytes=10**6)
    for number in range(MAX_VARIANTS + 3):
        asked = raw(accept_language=str(number))
        store.put(KEY, entry(vary="Accept-Language", asked=asked))
    assert len(store) == MAX_VARIANTS
    assert store.get(KEY, raw(accept_language="5")) is not None
    assert store.get(KEY, raw(accept_language="0")) is None
    assert store.get(KEY, ()) is None


def test_a_change_in_an_area_makes_older_marks_invalid() -> None:
    store = CacheStore(max_bytes=1000)
    before = store.generation(("catalog", "gateway")), store.generation(("other",))
    store.invalidate("gateway")
    assert store.generation(("catalog", "gateway")) > before[0]
    assert store.generation(("other",)) == before[1]
    store.invalidate(ALL_AREAS)
    assert store.generation(("other",)) > before[1]
